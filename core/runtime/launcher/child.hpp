// The child's side of launch.hpp. The functions run in the cloned process and never return.
#pragma once

#include "runtime/launcher/launch.hpp"

namespace davit::launcher {

/// What parent and child tell each other over a SOCK_SEQPACKET pair. From the parent: one byte.
inline constexpr char kMapped = 'm';   ///< the user namespace's maps are written
inline constexpr char kCgroups = 'c';  ///< the control groups exist
inline constexpr char kLimits = 'l';   ///< their limits are set: a child that enters them itself may do so
inline constexpr char kGo = 'g';       ///< everything of the parent is done

enum class Note : int32_t { failed = 1, terminal = 2, prepared = 3, mounts = 4 };

/// From the child; with Note::terminal and Note::mounts a descriptor.
struct ChildMessage {
    Note note = Note::failed;
    Failure failure;
};

/// How a process gets into its control groups.
enum class Entry {
    born,    ///< it was cloned into them (v2)
    enters,  ///< it moves itself (v1)
    moved    ///< its parent moves it: in its user namespace it has no right to
};

/// To a child that waits for its plan; with the plan's file and, unless it has a terminal, its three streams.
struct Order {
    Entry entry = Entry::enters;
    uint64_t unshare = 0;  ///< CLONE_NEWNS or nothing
};

/// Waits for an Order, then does runInit().
[[noreturn]] void runReady(int channel);
[[noreturn]] void runInit(const plan::View& view, const plan::Launch& plan, Entry entry, int channel, const int (&streams)[3]);
[[noreturn]] void runInside(const plan::View& view, const plan::Process& process, const Container& container, Entry entry,
                            int channel, const int (&streams)[3]);

}  // namespace davit::launcher
