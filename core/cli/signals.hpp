// Signals of the client: their names, and receiving them through a descriptor.
#pragma once

#include <signal.h>

#include <string>
#include <vector>

#include "base/unique_fd.hpp"

namespace davit::cli {

/// "INT" for SIGINT; the number for one without a name.
[[nodiscard]] std::string signalName(int number);

/// Those that --sig-proxy hands on: all but the ones that can't be caught, the client's own faults, and CHLD, PIPE,
/// URG, WINCH.
[[nodiscard]] std::vector<int> proxiedSignals();

/// Takes signals off their usual way and makes them readable while it lives. Single-threaded programs only.
class SignalReader {
  public:
    explicit SignalReader(const std::vector<int>& signals);
    SignalReader(const SignalReader&) = delete;
    SignalReader& operator=(const SignalReader&) = delete;
    ~SignalReader();

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    /// The next signal, 0 when none is pending.
    [[nodiscard]] int next() noexcept;

  private:
    sigset_t before_{};
    UniqueFd fd_;
};

}  // namespace davit::cli
