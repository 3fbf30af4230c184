// StreamClient: a client's TCP connection: messages with their length in front, both ways. One thread, that of the loop.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "resolver/event_loop.hpp"

namespace davit::resolver {

class StreamClient {
  public:
    /// `changed`: there may be messages to take, or the end has come.
    StreamClient(EventLoop& loop, UniqueFd socket, std::function<void()> changed);
    StreamClient(const StreamClient&) = delete;
    StreamClient& operator=(const StreamClient&) = delete;

    /// The next whole message, if one is there.
    [[nodiscard]] std::optional<std::string> take();
    /// True when the peer has closed, has sent nothing for too long, or doesn't read its replies.
    [[nodiscard]] bool ended() const noexcept { return ended_; }
    void send(const std::string& message);

  private:
    void ready(std::uint32_t events);
    void read();
    void flush();
    void restartPatience();

    EventLoop& loop_;
    UniqueFd socket_;
    std::function<void()> changed_;
    std::string received_;
    std::string unsent_;
    bool ended_ = false;
    EventLoop::Watch watch_;
    EventLoop::Timer patience_;
};

}  // namespace davit::resolver
