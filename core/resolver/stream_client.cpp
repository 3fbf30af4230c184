#include "resolver/stream_client.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace davit::resolver {
namespace {

constexpr std::size_t kLengthSize = 2;
constexpr std::size_t kMostUnread = 2 * 65537;
constexpr std::size_t kMostUnsent = 1U << 20;
constexpr std::chrono::seconds kPatience{30};

bool wouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

StreamClient::StreamClient(EventLoop& loop, UniqueFd socket, std::function<void()> changed)
    : loop_(loop), socket_(std::move(socket)), changed_(std::move(changed)) {
    watch_ = loop_.watch(socket_.get(), EPOLLIN, [this](std::uint32_t events) { ready(events); });
    restartPatience();
}

void StreamClient::restartPatience() {
    patience_ = loop_.after(kPatience, [this] {
        ended_ = true;
        changed_();
    });
}

void StreamClient::ready(std::uint32_t events) {
    if ((events & EPOLLOUT) != 0) flush();
    if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) read();
    changed_();
}

void StreamClient::read() {
    std::array<char, 4096> buffer;  // NOLINT: not worth clearing
    while (received_.size() < kMostUnread) {
        const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (got > 0) {
            received_.append(buffer.data(), static_cast<std::size_t>(got));
            restartPatience();
            continue;
        }
        ended_ = ended_ || got == 0 || !wouldBlock();
        return;
    }
}

std::optional<std::string> StreamClient::take() {
    if (received_.size() < kLengthSize) return std::nullopt;
    const std::size_t length = static_cast<unsigned char>(received_[0]) << 8 | static_cast<unsigned char>(received_[1]);
    if (received_.size() < kLengthSize + length) return std::nullopt;
    std::string message = received_.substr(kLengthSize, length);
    received_.erase(0, kLengthSize + length);
    return message;
}

void StreamClient::send(const std::string& message) {
    unsent_ += static_cast<char>(message.size() >> 8);
    unsent_ += static_cast<char>(message.size() & 0xff);
    unsent_ += message;
    flush();
}

void StreamClient::flush() {
    while (!unsent_.empty()) {
        const ssize_t sent = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            ended_ = ended_ || !wouldBlock() || unsent_.size() > kMostUnsent;
            break;
        }
        unsent_.erase(0, static_cast<std::size_t>(sent));
    }
    watch_.change(unsent_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

}  // namespace davit::resolver
