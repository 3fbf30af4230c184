// DiskReserve: a preallocated file that is given back to a full file system, so that what frees space (rm, prune, stop,
// a start of the daemon) still has room for its own few records.
//
// Threads: any. The file is the only state; it survives restarts.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/thread_annotations.hpp"

namespace davit::state {

class DiskReserve {
  public:
    static constexpr std::int64_t kDefaultBytes = 8 << 20;

    explicit DiskReserve(std::filesystem::path path, std::int64_t bytes = kDefaultBytes);

    /// Makes the file in its full size if it isn't there. False when there is no room; never throws for a full disk.
    /// Leaves the disk alone unless twice the size is free, so that it doesn't take back what was just made free.
    bool ensure() DAVIT_EXCLUDES(mutex_);
    /// Frees it. True if there was something to free.
    bool release() DAVIT_EXCLUDES(mutex_);
    /// Whether the file stands in its full size.
    [[nodiscard]] bool held() const;

  private:
    std::filesystem::path path_;
    std::int64_t bytes_;
    Mutex mutex_;
};

}  // namespace davit::state
