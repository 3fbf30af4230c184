// VolumeStore: the directories of the volumes, so that a kill at any instruction leaves either the whole volume or rubbish that the
// next start throws away.
//
//     <root>/<name>/              a volume
//         volume.json             its VolumeRecord
//         users-<boot>/           who has it mounted (users.hpp)
//         _data                   its content, or what that is mounted on
//         image                   where the content is in a loop file
//         snapshots/<name>/_data  a snapshot's content; snapshot.json beside it
//         importing               an import was begun and hasn't ended
//     <root>/.staging/            what is being made: published by one rename
//     <root>/.trash/              what was removed, moved here by one rename and deleted in the background
//
// Several processes may work in one root, as two generations of the plugin do: what the files say is what holds, and who changes a
// volume has its lock, which is one between processes. Any thread.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archive/trash.hpp"
#include "base/thread_annotations.hpp"
#include "base/unique_fd.hpp"
#include "record.hpp"

namespace davit::local {

inline constexpr const char* kData = "_data";
inline constexpr const char* kSnapshots = "snapshots";

class VolumeStore {
  public:
    /// Creates the root where it is missing and begins to throw away what an earlier process left half done. `root` must be
    /// absolute.
    VolumeStore(const std::filesystem::path& root, archive::Trash::Dispose dispose);

    [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }
    /// Where a volume stands or would stand. Throws Error{invalid} for what is no name.
    [[nodiscard]] std::filesystem::path pathOf(const std::string& name) const;
    [[nodiscard]] bool has(const std::string& name) const;
    /// pathOf(), or Error{not_found}.
    [[nodiscard]] std::filesystem::path require(const std::string& name) const;
    /// Sorted.
    [[nodiscard]] std::vector<std::string> names() DAVIT_EXCLUDES(mutex_);

    /// Error{not_found}, or Error{system} for one that is damaged. From memory as long as the file is the same.
    [[nodiscard]] std::shared_ptr<const VolumeRecord> record(const std::string& name) DAVIT_EXCLUDES(mutex_);
    /// Synced to disk.
    static void write(const std::filesystem::path& volume_dir, const VolumeRecord& record);

    /// Something that is being made: thrown away unless published.
    class Draft {
      public:
        Draft(VolumeStore& store, std::filesystem::path path, UniqueFd staging)
            : store_(store), path_(std::move(path)), staging_(std::move(staging)) {}
        ~Draft();
        Draft(const Draft&) = delete;
        Draft& operator=(const Draft&) = delete;
        [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
        /// False: something stands at `place`. Synced to disk.
        [[nodiscard]] bool publish(const std::filesystem::path& place);

      private:
        VolumeStore& store_;
        std::filesystem::path path_;
        UniqueFd staging_;  // locked: nobody sweeps
    };
    [[nodiscard]] std::unique_ptr<Draft> draft();

    /// False: `to` exists. Synced to disk.
    [[nodiscard]] bool rename(const std::string& from, const std::string& to);
    /// Away at once, deleted later; synced to disk. What isn't there is fine.
    void discard(const std::filesystem::path& path);
    /// Waits until all that was removed is deleted, or for the time: false.
    bool settle(std::chrono::milliseconds timeout) { return trash_.settle(timeout); }

    /// The right to change a volume, while it lives.
    class Hold {
      public:
        explicit Hold(UniqueFd fd) : fd_(std::move(fd)) {}

      private:
        UniqueFd fd_;
    };
    /// Waits for it as long as the call may last. Throws Error{not_found} or Error{deadline}.
    [[nodiscard]] Hold hold(const std::string& name) const;
    /// std::nullopt: somebody has it, or there is no such volume.
    [[nodiscard]] std::optional<Hold> tryHold(const std::string& name) const;

  private:
    struct Known {
        ino_t inode = 0;
        timespec changed{};
        std::shared_ptr<const VolumeRecord> record;
    };
    void sweep();
    void sync() const;
    [[nodiscard]] bool isLive(const std::string& name, int fd) const;

    std::filesystem::path root_;
    UniqueFd root_fd_;
    archive::Trash trash_;
    Mutex mutex_;
    std::map<std::string, Known> known_ DAVIT_GUARDED_BY(mutex_);
};

/// How long a call may still take, at most `most`.
[[nodiscard]] std::chrono::milliseconds timeLeft(std::chrono::milliseconds most = std::chrono::seconds(60));

/// What was written below `directory` is on disk.
void syncFileSystem(const std::filesystem::path& directory);

}  // namespace davit::local
