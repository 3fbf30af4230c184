// Extended attributes of any type of file, never following a link. Goes through /proc/self/fd, since links and devices
// can't be opened but with O_PATH. Any thread.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace davit::archive {

using Xattrs = std::map<std::string, std::string>;

/// All attributes; none where the file system has none.
[[nodiscard]] Xattrs readXattrs(int dir_fd, const std::string& name);
[[nodiscard]] std::optional<std::string> readXattr(int dir_fd, const std::string& name, const std::string& attribute);

/// Sets an attribute by descriptor, O_PATH ones too. False when the file system or the type of file can't have it; other
/// failures throw.
bool writeXattr(int fd, const std::string& attribute, const std::string& value);

/// Whether an attribute belongs to a file's content, so that archives carry it. Marks of the storage layer (overlay) and
/// labels of the host's security modules don't.
[[nodiscard]] bool portableXattr(const std::string& attribute);

}  // namespace davit::archive
