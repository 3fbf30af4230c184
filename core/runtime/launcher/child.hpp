// The child's side of launch.hpp. Both functions run in the cloned process and never return.
#pragma once

#include "runtime/launcher/launch.hpp"

namespace davit::launcher {

/// What parent and child tell each other over a SOCK_SEQPACKET pair. From the parent: one byte.
inline constexpr char kMapped = 'm';   ///< the user namespace's maps are written
inline constexpr char kCgroups = 'c';  ///< the control groups exist
inline constexpr char kGo = 'g';       ///< everything of the parent is done

enum class Note : int32_t { failed = 1, terminal = 2, prepared = 3 };

/// From the child; with Note::terminal a descriptor.
struct ChildMessage {
    Note note = Note::failed;
    Failure failure;
};

[[noreturn]] void runInit(const plan::View& view, const plan::Launch& plan, int channel, const int (&streams)[3]);
[[noreturn]] void runInside(const plan::View& view, const plan::Process& process, const Container& container, int channel,
                            const int (&streams)[3]);

}  // namespace davit::launcher
