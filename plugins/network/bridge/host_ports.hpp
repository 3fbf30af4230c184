// HostPorts: which ports of the host are whose. Each is held by a socket, so that no other program takes it meanwhile. The
// socket doesn't listen: what reaches it wasn't translated and is refused at once instead of waiting for ever.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/thread_annotations.hpp"
#include "base/unique_fd.hpp"
#include "port_map.hpp"

namespace davit::bridge {

/// Where the ports of one container lead.
struct PortTarget {
    std::optional<IpAddress> ipv4, ipv6;
    bool routed_ipv4 = false, routed_ipv6 = false;  ///< reached directly: no port of the host is used
    std::optional<IpAddress> default_host;  ///< for requests without a host address; std::nullopt: all of both families
};

/// Any thread. The sockets belong to the network namespace of the thread that reserves.
class HostPorts {
  public:
    /// A port that is held.
    struct Held {
        PublishedPort port;
        UniqueFd socket;  ///< none: the kernel doesn't know the protocol, or another program had it when take() came
    };

    /// Chooses and holds a port for every request, or none at all. Throws Error{system} with Docker's texts.
    std::vector<PublishedPort> reserve(const std::string& owner, const std::vector<PortRequest>& requests, const PortTarget& target)
        DAVIT_EXCLUDES(mutex_);
    /// Holds again what was published before a restart; what can't be held is published all the same.
    void take(const std::string& owner, const std::vector<PublishedPort>& ports) DAVIT_EXCLUDES(mutex_);
    void release(const std::string& owner) DAVIT_EXCLUDES(mutex_);

  private:
    using Candidates = std::vector<PublishedPort>;
    void reserveOne(std::vector<Held>& held, const PortRequest& request, const PortTarget& target) DAVIT_REQUIRES(mutex_);
    bool tryPort(std::vector<Held>& held, Candidates candidates, std::uint16_t host_port, bool only) DAVIT_REQUIRES(mutex_);
    [[nodiscard]] bool taken(const PublishedPort& port, const std::vector<Held>& more) const DAVIT_REQUIRES(mutex_);

    mutable Mutex mutex_;
    std::map<std::string, std::vector<Held>> held_ DAVIT_GUARDED_BY(mutex_);
    std::uint16_t last_ephemeral_ DAVIT_GUARDED_BY(mutex_) = 0;
};

}  // namespace davit::bridge
