// Ends a control group with everything in it: for groups whose shim is gone. Any thread.
#pragma once

#include <filesystem>

namespace davit::linux {

/// Sends SIGKILL to what runs in `group` and below and removes the directories that are empty. True when the group is gone;
/// else call again a little later: the kernel keeps a dead process's group for a moment. Never throws.
[[nodiscard]] bool endCgroup(const std::filesystem::path& group);

}  // namespace davit::linux
