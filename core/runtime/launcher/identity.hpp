// Who the process is: user, group and groups, looked up in the container's own /etc/passwd and /etc/group by a small parser
// (never NSS: SEC-24), with Docker's rules and texts.
//
// Rules (SEC-11, SEC-12): ids are 0..2147483647; digits are ids and never names; the files are read only when they are
// regular, without blocking, within bounds; a missing file is an empty one.
#pragma once

#include <stdint.h>

#include "runtime/plan.hpp"

namespace davit::launcher {

inline constexpr uint32_t kMaxGroups = 1024;

struct Identity {
    uint32_t uid = 0;
    uint32_t gid = 0;
    uint32_t groups[kMaxGroups] = {};
    uint32_t group_count = 0;
    char home[4096] = "/";
};

/// `root` is a path of the container's root; by default the process's own.
bool resolveIdentity(const plan::View& view, const plan::Process& process, Identity* identity, const char* root = "/");

}  // namespace davit::launcher
