// A full copy of a tree: data shared where the file system can (FICLONE), else copied by the kernel with holes kept;
// hard links, owners, modes, times, xattrs and devices kept. Sockets are left out. Any depth, bounded descriptors. Any
// thread.
#pragma once

#include <string>

namespace davit::archive {

/// Which extended attributes go along.
enum class CopyXattrs {
    portable,  ///< those that archives carry
    all,       ///< the storage layer's marks too: the copy of an overlayfs upper directory
};

/// Copies content and metadata of the directory `from_fd` into the directory `to_fd`. What is in the way is an error.
void copyTree(int from_fd, int to_fd, CopyXattrs xattrs = CopyXattrs::portable);

/// Copies one entry that isn't a directory, under the same name.
void copyEntry(int from_dir_fd, const std::string& name, int to_dir_fd, CopyXattrs xattrs = CopyXattrs::portable);

/// Owner, mode, xattrs and times from one descriptor to another of the same type; O_PATH ones serve.
void copyMetadata(int from_fd, int to_fd, CopyXattrs xattrs = CopyXattrs::portable);

}  // namespace davit::archive
