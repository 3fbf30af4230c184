// The caller's terminal for `davit-runtime run` and `exec` in the foreground: what the program's pseudo-terminal shows goes to
// standard output, standard input goes to it. One thread; while the object lives the signals that it handles are blocked.
#pragma once

#include <sys/types.h>
#include <termios.h>

#include <optional>
#include <string>

#include "base/file.hpp"
#include "base/unique_fd.hpp"

namespace davit::runtime {

class OciTerminal {
  public:
    OciTerminal();
    ~OciTerminal();
    OciTerminal(const OciTerminal&) = delete;
    OciTerminal& operator=(const OciTerminal&) = delete;

    /// For --console-socket.
    [[nodiscard]] std::string socketPath() const { return directory_.path() / "console"; }

    /// After the process has been made: takes its terminal, gives it this one's size and makes this one raw.
    void begin();

    /// Passes bytes, sizes and signals on until `pid`, which is a child of this process, has ended; its exit code.
    [[nodiscard]] int relay(pid_t pid);

  private:
    void copySize() const;
    void readInput();
    void writeInput();
    bool readOutput();
    /// True when `pid` has ended.
    bool handleSignals(pid_t pid);

    TempDir directory_{"/tmp", "davit-runtime-"};
    UniqueFd listener_;
    UniqueFd signals_;
    UniqueFd master_;
    std::optional<termios> saved_;
    std::string pending_;  ///< input that the program hasn't read
    bool input_open_ = true;
    int code_ = 0;
};

}  // namespace davit::runtime
