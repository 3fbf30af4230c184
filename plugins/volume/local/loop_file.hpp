// A volume in a file of its own, with an ext4 in it: what bounds a volume where the file system of the host counts nothing. The file is
// sparse: it occupies what is written. Needs mkfs.ext4. Any thread; the caller holds the volume.
#pragma once

#include <filesystem>

#include "options.hpp"

namespace davit::local {

/// Throws Error{unimplemented} where there is no mkfs.ext4.
void makeImage(const std::filesystem::path& image, const Limits& limits);
/// Copies it, by reflink where the file system can. It must not be mounted.
void copyImage(const std::filesystem::path& from, const std::filesystem::path& to);
/// Makes it larger. It must not be mounted. Throws Error{invalid} for a smaller size.
void growImage(const std::filesystem::path& image, std::int64_t bytes);

}  // namespace davit::local
