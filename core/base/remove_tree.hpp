// Removing a large tree so that somebody who can't wait may end it; base/file.hpp has removeTree for all others.
#pragma once

#include <filesystem>
#include <stop_token>

namespace davit {

/// removeTree() that ends before the next file when `stop` is asked: false, and the rest stands where it was.
bool removeTree(const std::filesystem::path& path, const std::stop_token& stop);

}  // namespace davit
