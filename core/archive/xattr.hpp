// Extended attributes of whatever a descriptor stands for, O_PATH ones of links and devices too: therefore by way of
// /proc/self/fd. Any thread.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace davit::archive {

using Xattrs = std::map<std::string, std::string>;

/// All attributes; none where the file system has none.
[[nodiscard]] Xattrs readXattrs(int fd);
[[nodiscard]] std::optional<std::string> readXattr(int fd, const std::string& attribute);

/// Sets an attribute. False when the file system or the type of file can't have it; other
/// failures throw.
bool writeXattr(int fd, const std::string& attribute, const std::string& value);

/// Whether an attribute belongs to a file's content, so that archives carry it. Marks of the storage layer (overlay)
/// and labels of the host's security modules don't.
[[nodiscard]] bool portableXattr(const std::string& attribute);

}  // namespace davit::archive
