// SandboxService: the resolver of one sandbox: its listeners, the clients' connections and the questions on their way to other
// servers. What one sandbox can take of the program is limited. One thread, that of the loop.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "resolver/event_loop.hpp"
#include "resolver/forward.hpp"
#include "resolver/name_tables.hpp"
#include "resolver/namespaces.hpp"
#include "resolver/stream_client.hpp"

namespace davit::resolver {

/// Opened by davitd in the sandbox's namespace, and that namespace.
struct SandboxSockets {
    UniqueFd udp;
    UniqueFd tcp;  ///< listening
    UniqueFd network_namespace;
};

struct Surroundings {
    EventLoop& loop;
    const NameTables& tables;
    const NamespaceSwitch& namespaces;
    /// Applies what davitd has sent before now, so that a question is never answered from older tables than its asker has been
    /// promised. May bury the service.
    std::function<void()> catch_up;
    /// False while davitd is telling a new resolver of its sandboxes: who isn't known may be one of them.
    std::function<bool()> complete;
};

class SandboxService {
  public:
    /// `surroundings` outlives it.
    SandboxService(const Surroundings& surroundings, std::string id, SandboxSockets sockets);
    SandboxService(const SandboxService&) = delete;
    SandboxService& operator=(const SandboxService&) = delete;

  private:
    /// Where a reply goes: a datagram's sender, or a connection that may be gone by then.
    struct Asker {
        sockaddr_in sender{};
        std::uint64_t connection = 0;  ///< 0: a datagram
    };
    void readDatagrams();
    void acceptClients();
    void readClient(std::uint64_t number);
    void handle(const Asker& asker, std::string_view message);
    void resolve(const Asker& asker, std::string_view message);
    void forward(const Asker& asker, Query query, const SandboxNames& names, std::size_t limit);
    void reply(const Asker& asker, const std::string& message);
    void dropClient(std::uint64_t number);

    const Surroundings& around_;
    const std::string id_;
    SandboxSockets sockets_;
    std::uint64_t next_ = 1;
    std::map<std::uint64_t, std::unique_ptr<StreamClient>> clients_;
    std::map<std::uint64_t, std::unique_ptr<Forward>> forwards_;
    EventLoop::Watch udp_watch_;
    EventLoop::Watch tcp_watch_;
};

}  // namespace davit::resolver
