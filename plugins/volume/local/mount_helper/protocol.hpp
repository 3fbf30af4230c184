// What the driver tells davit-volume-mount on its standard input, and what that answers on its standard output: one Order with its
// texts, one Answer. The texts are not arguments because a password may be among them.
#pragma once

#include <stdint.h>

namespace davit::local::helper {

constexpr uint32_t kVersion = 1;
constexpr uint32_t kMostText = 3 * 4096 + 64;  ///< two paths, a type, a page of options

enum class Action : uint32_t { mount = 1, remount = 2, unmount = 3 };

/// Followed by `text` bytes: source, target, type and options, each ended by a zero byte.
struct Order {
    uint32_t version = kVersion;
    Action action = Action::mount;
    uint64_t flags = 0;            ///< MS_*
    uint64_t propagation = 0;      ///< MS_*; 0: as it comes
    uint64_t recursive_set = 0;    ///< MOUNT_ATTR_*
    uint64_t recursive_clear = 0;
    uint32_t resolve = 0;          ///< whether "addr=" in the options may be a name
    uint32_t text = 0;
    int32_t parent = 0;  ///< the driver's process; nothing is mounted for one that has ended
};

enum class Stage : uint32_t { done = 0, order = 1, resolve = 2, mount = 3, attributes = 4, propagation = 5, unmount = 6 };

struct Answer {
    Stage stage = Stage::done;  ///< where it ended
    int32_t error = 0;          ///< an errno; of Stage::resolve one of getaddrinfo
};

}  // namespace davit::local::helper
