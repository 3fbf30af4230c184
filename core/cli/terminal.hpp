// The user's terminal: raw mode, size, and the key sequence that detaches.
#pragma once

#include <termios.h>

#include <optional>
#include <string>
#include <string_view>

namespace davit::cli {

[[nodiscard]] bool isTerminal(int fd) noexcept;

struct WindowSize {
    unsigned rows = 0;
    unsigned columns = 0;
};
/// std::nullopt when `fd` is no terminal or doesn't know.
[[nodiscard]] std::optional<WindowSize> windowSize(int fd) noexcept;

/// Raw mode of a terminal while it lives; nothing for what is no terminal.
class RawTerminal {
  public:
    explicit RawTerminal(int fd) noexcept;
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;
    ~RawTerminal();

  private:
    int fd_;
    std::optional<termios> before_;
};

/// "ctrl-p,ctrl-q" or "a,ctrl-\\" as the bytes that those keys send. Throws Error{invalid} for an unknown key.
[[nodiscard]] std::string parseDetachKeys(const std::string& keys);

/// Watches what is typed for the detach keys. A part of the sequence is held back until it is clear that it isn't one.
class DetachFilter {
  public:
    explicit DetachFilter(std::string keys) : keys_(std::move(keys)) {}
    /// What to send on; sets detached() when the sequence is complete.
    [[nodiscard]] std::string feed(std::string_view typed);
    [[nodiscard]] bool detached() const noexcept { return !keys_.empty() && matched_ == keys_.size(); }

  private:
    std::string keys_;
    std::size_t matched_ = 0;
};

}  // namespace davit::cli
