// Forward: one query on its way through the upstream servers, one after the other: a server that fails, refuses or says nothing
// for four seconds (Docker's patience) is followed by the next. One thread, that of the loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "resolver/event_loop.hpp"
#include "resolver/namespaces.hpp"
#include "resolver/query.hpp"
#include "resolver/upstream_socket.hpp"

namespace davit::resolver {

struct ForwardOptions {
    std::vector<Upstream> upstreams;
    int namespace_fd = -1;  ///< where those are asked that aren't `from_host`; open while the Forward lives
    Transport transport = Transport::udp;
    std::size_t limit = 512;  ///< of the reply to the client
    std::uint16_t port = 53;
    std::chrono::milliseconds patience{4000};
};

class Forward {
  public:
    /// Called once, from the loop, with the reply for the client: SERVFAIL when no server had one. May destroy the Forward.
    using Done = std::function<void(std::string reply)>;

    /// Starts at once. Loop and namespaces outlive it; destroying it is giving up.
    Forward(EventLoop& loop, const NamespaceSwitch& namespaces, Query query, ForwardOptions options, Done done);
    Forward(const Forward&) = delete;
    Forward& operator=(const Forward&) = delete;

  private:
    void askNext();
    [[nodiscard]] bool ask(const Upstream& upstream);
    void ready();
    /// From the loop, never from within the constructor.
    void finish(std::string reply);

    EventLoop& loop_;
    const NamespaceSwitch& namespaces_;
    const Query query_;
    const ForwardOptions options_;
    const Done done_;
    std::size_t next_ = 0;
    std::uint16_t id_ = 0;
    std::unique_ptr<UpstreamSocket> socket_;
    EventLoop::Watch watch_;
    EventLoop::Timer timer_;
};

}  // namespace davit::resolver
