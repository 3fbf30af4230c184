#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/check.hpp"

namespace davit::cli {

bool isTerminal(int fd) noexcept { return ::isatty(fd) == 1; }

std::optional<WindowSize> windowSize(int fd) noexcept {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || (size.ws_row == 0 && size.ws_col == 0)) return std::nullopt;
    return WindowSize{size.ws_row, size.ws_col};
}

RawTerminal::RawTerminal(int fd) noexcept : fd_(fd) {
    termios mode{};
    if (::tcgetattr(fd, &mode) != 0) return;
    before_ = mode;
    ::cfmakeraw(&mode);
    (void)::tcsetattr(fd, TCSANOW, &mode);  // a terminal that refuses stays as it is
}

RawTerminal::~RawTerminal() {
    if (before_) (void)::tcsetattr(fd_, TCSANOW, &*before_);
}

std::string parseDetachKeys(const std::string& keys) {
    std::string out;
    std::size_t from = 0;
    while (from <= keys.size()) {
        const std::size_t comma = std::min(keys.find(',', from), keys.size());
        std::string key = keys.substr(from, comma - from);
        from = comma + 1;
        if (key.size() == 1) {
            out += key;
            continue;
        }
        if (!key.starts_with("ctrl-") || key.size() != 6) throw error(Code::invalid, "Unknown character: '{}'", key);
        const char c = key[5];
        constexpr std::string_view kSymbols = "@[\\]^_";
        constexpr char kCodes[] = {0, 27, 28, 29, 30, 31};
        if (c >= 'a' && c <= 'z')
            out += static_cast<char>(c - 'a' + 1);
        else if (const std::size_t at = kSymbols.find(c); at != std::string_view::npos)
            out += kCodes[at];
        else
            throw error(Code::invalid, "Unknown character: '{}'", key);
    }
    return out;
}

std::string DetachFilter::feed(std::string_view typed) {
    std::string out;
    for (const char c : typed) {
        if (keys_.empty()) {
            out += c;
            continue;
        }
        if (c != keys_[matched_]) {
            out += keys_.substr(0, matched_);
            matched_ = 0;
        }
        if (c == keys_[matched_]) {
            if (++matched_ == keys_.size()) return out;
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace davit::cli
