// Trees as data: what stands below a directory, one line per object, so that two trees are compared by what differs.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace davit::conformance {

/// Relative path -> "type mode uid gid …": content digest and size of files, target of links, numbers of devices, extended
/// attributes (but those of overlayfs and SELinux), and of several names of one file the first as "= NAME". Modification
/// times of files in seconds.
using Tree = std::map<std::string, std::string>;
[[nodiscard]] Tree readTree(const std::filesystem::path& root);

/// The first difference in words; empty when the trees are equal.
[[nodiscard]] std::string difference(const Tree& expected, const Tree& seen);

/// Writes a file with its missing parents.
void writeFile(const std::filesystem::path& path, const std::string& content);
/// The content; Broken when it can't be read.
[[nodiscard]] std::string contentOf(const std::filesystem::path& path);
[[nodiscard]] bool isThere(const std::filesystem::path& path);

}  // namespace davit::conformance
