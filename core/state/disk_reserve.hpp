// DiskReserve: a preallocated file that is given back to a full file system, so that what frees space (rm, prune, stop,
// a start of the daemon) still has room for its own few records. What adds objects asks roomToGrow() first and keeps off.
//
// Threads: any. The file is the only state; it survives restarts.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/thread_annotations.hpp"

namespace davit::state {

class DiskReserve {
  public:
    static constexpr std::int64_t kDefaultBytes = 8 << 20;

    explicit DiskReserve(std::filesystem::path path, std::int64_t bytes = kDefaultBytes);

    /// Makes the file in its full size if it isn't there, which is cheap to ask. False when there is no room; never throws
    /// for a full disk. Leaves the disk alone unless twice the size is free, so that it doesn't take back what was just made free.
    bool ensure() DAVIT_EXCLUDES(mutex_);
    /// Frees it. True if there was something to free.
    bool release() DAVIT_EXCLUDES(mutex_);
    /// Frees it if less than an eighth of it is free on the file system: for a start, where others than the database
    /// (drivers that try out mounts) need a few blocks too.
    void releaseIfFull() DAVIT_EXCLUDES(mutex_);
    /// False once it has been given back and a little more than it isn't free again.
    [[nodiscard]] bool roomToGrow() const;
    /// Whether the file stands in its full size.
    [[nodiscard]] bool held() const;

  private:
    /// Bytes free on the file system; std::nullopt when it doesn't say.
    [[nodiscard]] std::optional<std::int64_t> freeBytes() const;
    std::filesystem::path path_;
    std::int64_t bytes_;
    std::atomic<bool> uncounted_{false};  ///< the file system compresses: blocks don't tell whether the file is whole
    Mutex mutex_;
};

}  // namespace davit::state
