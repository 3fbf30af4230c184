// EntryMaker: creates one file system entry from a tar member, in a directory given by descriptor, never following
// anything. Everything after the creation goes by the new entry's own descriptor. One thread.
#pragma once

#include "archive/parent_cache.hpp"
#include "archive/tar_reader.hpp"
#include "archive/unpack.hpp"

namespace davit::archive {

class EntryMaker {
  public:
    explicit EntryMaker(const UnpackOptions& options);

    // Each returns false, with nothing made, when something of that name exists, and throws for other failures.
    bool file(const OpenDirectory& parent, const std::string& name, const TarEntry& entry, TarReader& content) const;
    bool symlink(const OpenDirectory& parent, const std::string& name, const TarEntry& entry) const;
    /// Devices and fifos. Devices are left out in a user namespace, which can't have them.
    bool node(const OpenDirectory& parent, const std::string& name, const TarEntry& entry) const;
    bool hardlink(const OpenDirectory& parent, const std::string& name, int from_fd, const std::string& from) const;

    /// Makes the directory, or takes the one that is there, and dresses it. Empty: something else has that name.
    UniqueFd directory(const OpenDirectory& parent, const std::string& name, const TarEntry& entry) const;

    /// Owner, mode, xattrs and times of the entry onto a descriptor; `set_owner` false: it has the right owner already.
    void dress(int fd, const TarEntry& entry, bool set_owner = true) const;

    // The marks of overlayfs.
    void whiteout(int parent_fd, const std::string& name) const;
    void opaque(int fd) const;

  private:
    [[nodiscard]] bool ownerIsCallers(const OpenDirectory& parent, const TarEntry& entry) const;
    void write(int fd, const TarEntry& entry, TarReader& content) const;
    const UnpackOptions& options_;
};

}  // namespace davit::archive
