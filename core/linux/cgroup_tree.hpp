// A control group as a tree of processes: who is in it, and its end with everything in it, for groups whose shim is gone. Any
// thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <vector>

namespace davit::linux {

/// Sends SIGKILL to what runs in `group` and below and removes the directories that are empty. True when the group is gone;
/// else call again a little later: the kernel keeps a dead process's group for a moment. Never throws.
[[nodiscard]] bool endCgroup(const std::filesystem::path& group);

/// The processes in `group` and below; none when it isn't there.
[[nodiscard]] std::vector<pid_t> cgroupMembers(const std::filesystem::path& group);

}  // namespace davit::linux
