// The pieces that run, start, attach and exec share: hijacked streams, resizing, signals, the exit code.
#pragma once

#include <memory>
#include <string>

#include "cli/cli.hpp"
#include "cli/session.hpp"
#include "cli/signals.hpp"

namespace davit::cli {

struct AttachOptions {
    bool in = false;
    bool out = true;
    bool err = true;
    std::string detach_keys;  ///< as the user wrote them, for the daemon
};
[[nodiscard]] http::Hijacked attachTo(Client& client, const std::string& id, const AttachOptions& options);

/// Waits for a container's exit. The daemon knows of it when the constructor returns, so nothing is missed that happens
/// after.
class ExitWaiter {
  public:
    /// `condition`: "", "next-exit" or "removed".
    ExitWaiter(Client& client, const std::string& id, const std::string& condition);
    /// Blocks. 125 with a message on standard error when the daemon failed to wait.
    [[nodiscard]] int exitCode();

  private:
    std::unique_ptr<http::ClientConnection> connection_;
};

/// Tells the daemon the size of the terminal on standard output: `path` is "/containers/x" or "/exec/x". Failures are
/// ignored: the process may have ended, and the size is a courtesy.
void resizeTo(Client& client, const std::string& path);
void resizeTo(Client& client, const std::string& path, WindowSize size);

/// The detach keys in bytes: of the flag, else of config.json, else ctrl-p,ctrl-q. A wrong flag is warned of and
/// ignored.
[[nodiscard]] std::string detachBytes(Cli& cli, const std::string& flag);

struct StreamOptions {
    std::string path;  ///< for resizing
    bool tty = false;
    bool forward_in = false;
    bool output = true;
    std::string detach_keys;       ///< of the flag
    std::string signal_container;  ///< id to proxy signals to; empty: none
    std::unique_ptr<SignalReader> signals;
};

/// The signals that a stream of this kind takes over. Made before the container starts, so that none is lost.
[[nodiscard]] std::unique_ptr<SignalReader> signalsFor(bool tty, bool proxy);

/// Runs the session with resizing and signals. With a terminal, TERM, HUP, INT and QUIT end the client by ExitError.
[[nodiscard]] SessionEnd stream(Cli& cli, http::Hijacked& remote, StreamOptions options);

/// Throws ExitError{1} "the input device is not a TTY".
void requireTerminal(bool in, bool tty);

}  // namespace davit::cli
