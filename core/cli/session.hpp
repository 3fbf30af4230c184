// Session: the user's standard streams connected with a container's, until the container's side ends or the user
// detaches.
//
// One thread and one poll loop: standard input → container (half-closed at its end), container → standard output and
// error, signals → callbacks. Input is only read while the container takes it, so that a pipe through a container can't
// lock up.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/terminal.hpp"
#include "http/stream.hpp"

namespace davit::cli {

class SignalReader;

struct SessionOptions {
    bool tty = false;         ///< the container has a terminal: raw bytes instead of frames
    bool forward_in = false;  ///< connect standard input
    bool output = true;       ///< print what comes
    std::string detach_keys;  ///< bytes; only looked for with tty and forward_in
    SignalReader* signals = nullptr;
    std::function<void(int number)> on_signal;  ///< for every signal but WINCH
    std::function<void()> on_resize;            ///< after SIGWINCH
};

enum class SessionEnd { closed, detached };

/// The terminal on standard input is raw meanwhile when `tty` and `forward_in`.
[[nodiscard]] SessionEnd runSession(http::Hijacked& remote, const SessionOptions& options);

}  // namespace davit::cli
