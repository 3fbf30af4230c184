// HostPorts: which ports of the host are whose. Each is held by a socket, so that no other program takes it meanwhile, and a process
// that outlives this one has a copy of it. Most sockets don't listen: what reaches them wasn't translated and is refused at once
// instead of waiting for ever. Those do that the process carries to containers.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/thread_annotations.hpp"
#include "base/unique_fd.hpp"
#include "port_keeper.hpp"
#include "port_map.hpp"

namespace davit::bridge {

/// Where the ports of one container lead.
struct PortTarget {
    std::optional<IpAddress> ipv4, ipv6;
    bool routed_ipv4 = false, routed_ipv6 = false;  ///< reached directly: no port of the host is used
    std::optional<IpAddress> default_host;  ///< for requests without a host address; std::nullopt: all of both families
};

/// Any thread. The sockets belong to the network namespace of the thread that reserves. Its mutex is held while the process is
/// asked, which answers in microseconds, and is replaced when it doesn't within seconds.
class HostPorts {
  public:
    /// `directory`: where the process of an earlier driver is found. `log` gets what can't be an error of a call.
    HostPorts(std::filesystem::path directory, std::function<void(const std::string&)> log)
        : log_(std::move(log)), keeper_(std::move(directory)) {}

    /// A port that is held.
    struct Held {
        PublishedPort port;
        UniqueFd socket;  ///< none: the kernel doesn't know the protocol, or another program had it when take() came
    };

    /// Chooses and holds a port for every request, or none at all. Throws Error{system} with Docker's texts.
    std::vector<PublishedPort> reserve(const std::string& owner, const std::vector<PortRequest>& requests, const PortTarget& target)
        DAVIT_EXCLUDES(mutex_);
    void release(const std::string& owner) DAVIT_EXCLUDES(mutex_);

    /// The ports that were published before a restart, in three steps: what an earlier process holds, what is still wanted of it
    /// (what nobody can hold is published all the same), and an end to everything else.
    void beginRestore() DAVIT_EXCLUDES(mutex_);
    void take(const std::string& owner, const std::vector<PublishedPort>& ports) DAVIT_EXCLUDES(mutex_);
    void endRestore() DAVIT_EXCLUDES(mutex_);

    /// A descriptor that becomes readable when the process needs to be looked at; -1: there is none.
    [[nodiscard]] int keeper() DAVIT_EXCLUDES(mutex_);
    /// Starts it again when it has ended and is needed, and lets it end when it isn't.
    void tend() DAVIT_EXCLUDES(mutex_);

  private:
    using Candidates = std::vector<PublishedPort>;
    void reserveOne(std::vector<Held>& held, const PortRequest& request, const PortTarget& target) DAVIT_REQUIRES(mutex_);
    bool tryPort(std::vector<Held>& held, Candidates candidates, std::uint16_t host_port, bool only) DAVIT_REQUIRES(mutex_);
    [[nodiscard]] bool taken(const PublishedPort& port, const std::vector<Held>& more) const DAVIT_REQUIRES(mutex_);
    /// Gives the process copies of the sockets; of all others too when it has to be started again.
    void handOver(const std::vector<Held>& held) DAVIT_REQUIRES(mutex_);
    void handOverAll() DAVIT_REQUIRES(mutex_);
    /// The same where nobody can be told of a failure but the log.
    void tryHandOverAll() DAVIT_REQUIRES(mutex_);
    [[nodiscard]] bool nothingHeld() const DAVIT_REQUIRES(mutex_);

    const std::function<void(const std::string&)> log_;
    mutable Mutex mutex_;
    PortKeeper keeper_ DAVIT_GUARDED_BY(mutex_);
    std::map<std::string, PortKeeper::Kept> inherited_ DAVIT_GUARDED_BY(mutex_);  ///< by hostKey(); while restoring
    std::vector<PortKeeper::Handed> reopened_ DAVIT_GUARDED_BY(mutex_);           ///< not yet handed over; while restoring
    std::map<std::string, std::vector<Held>> held_ DAVIT_GUARDED_BY(mutex_);
    std::uint16_t last_ephemeral_ DAVIT_GUARDED_BY(mutex_) = 0;
};

}  // namespace davit::bridge
