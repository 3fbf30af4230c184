// ParentCache: the directories that an unpacker writes into, opened in-root and kept open for the members that follow.
//
// It also keeps directories' times: making an entry changes its directory's mtime, so the cache notes the time when it
// opens a directory and puts it back when it lets it go. No list of all directories is needed for that. One thread.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <list>
#include <string>

#include "base/unique_fd.hpp"

namespace davit::archive {

/// One directory that is open.
struct OpenDirectory {
    std::string path;  ///< as asked for, clean and relative to the root
    UniqueFd fd;
    dev_t device = 0;
    ino_t inode = 0;
    bool set_gid = false;  ///< new entries get the directory's group
    bool keep_mtime = true;
    timespec mtime{};
};

class ParentCache {
  public:
    /// `dress` is called with the descriptor and the path of each directory that open() had to create.
    using Dress = std::function<void(int fd, const std::string& path)>;
    /// Paths are relative to `base`, a directory in the root. `keep_base_mtime` false: base's own time is left to the
    /// kernel.
    ParentCache(int root_fd, std::string base, bool keep_base_mtime, Dress dress);
    ~ParentCache();
    ParentCache(const ParentCache&) = delete;
    ParentCache& operator=(const ParentCache&) = delete;

    /// The directory, created with its parents when missing. Valid until the next call, of find() until the one after.
    const OpenDirectory& open(const std::string& path);
    /// The same without creating: nullptr when there is none.
    const OpenDirectory* find(const std::string& path);
    /// A directory whose own member has just been applied: its mtime of now is to be kept, and members follow.
    void keep(const std::string& path, UniqueFd fd);
    /// Puts all times back and lets all go: something that paths may lead through is about to be removed.
    void flush();

  private:
    OpenDirectory& add(const std::string& path, UniqueFd fd);
    void letGo(const OpenDirectory& directory) noexcept;
    UniqueFd create(const std::string& path);
    [[nodiscard]] UniqueFd tryOpen(const std::string& path) const;

    int root_fd_;
    std::string base_;
    bool keep_base_mtime_;
    Dress dress_;
    std::list<OpenDirectory> open_;  // latest first
};

/// The part before the last slash, "" when there is none; and the part after it.
[[nodiscard]] std::string parentOf(const std::string& path);
[[nodiscard]] std::string nameOf(const std::string& path);

}  // namespace davit::archive
