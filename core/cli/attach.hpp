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

/// Waits for a container's exit.
class ExitWaiter {
  public:
    /// `condition`: "", "next-exit" or "removed". Sends only: nothing is sure before registered().
    ExitWaiter(Client& client, const std::string& id, const std::string& condition);
    /// Blocks until the daemon has the request: what happens from now on isn't missed. Throws ApiError.
    void registered(Client& client);
    /// Blocks, after registered(). 125 with a message on standard error when the daemon failed to wait.
    [[nodiscard]] int exitCode();

  private:
    std::unique_ptr<http::ClientConnection> connection_;
};

/// A stream to a container and a waiter for its exit, both there before something happens to it.
struct Following {
    http::Hijacked remote;
    ExitWaiter waiter;
};
/// The daemon gets both requests before its first answer is awaited.
[[nodiscard]] Following follow(Client& client, const std::string& id, const AttachOptions& options, const std::string& condition);

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
