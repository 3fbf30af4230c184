// Sealed files in memory: content that nobody can change any more, whoever gets hold of the descriptor.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/unique_fd.hpp"

namespace davit::linux {

/// A memfd with that content, sealed against every change; read position 0. `name` shows in /proc.
[[nodiscard]] UniqueFd sealedMemory(const char* name, std::string_view content);

/// The same with a program's file as content, executable (SEC-01: what a container's process reaches through
/// /proc/self/exe is this copy, never the installed file). Throws Error when the file can't be read.
[[nodiscard]] UniqueFd sealedProgram(const std::filesystem::path& program);

}  // namespace davit::linux
