// The network driver "bridge": networks are Linux bridges, endpoints pairs of links made by one request, published ports elements
// of maps in the packet filter.
//
// bridge_options   what a network is              bridge_link     its bridge in the kernel
// endpoint         what an endpoint is            endpoint_link   its links
// port_map         ports wanted and published     host_ports      which of the host's ports are held
// firewall_rules   the rule set as text           firewall        the rule set in the kernel
// port_keeper      the process that keeps ports    port_forward/   that process
// other_firewalls  rules of others, ours in them  firewalld       its zones
// conntrack        flows that go on too long       watch           what others do to all this
//
// Configuration: "ip-forward" (true: switch the host's forwarding on where a network needs it), "ip-forward-no-drop" (false: when
// it was switched on here, what is neither from nor to a bridge isn't forwarded).
//
// Threads: any. `changing_` is held for the whole of a change of networks. Calls about one endpoint come one after the other, as the
// caller's protocol says.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/thread_annotations.hpp"
#include "bridge_options.hpp"
#include "common/endpoint_table.hpp"
#include "common/link_reaper.hpp"
#include "common/locked_map.hpp"
#include "common/state_journal.hpp"
#include "davit/sdk.hpp"
#include "endpoint.hpp"
#include "firewall.hpp"
#include "host_ports.hpp"
#include "linux/netlink/links.hpp"
#include "watch.hpp"

namespace davit::bridge {

class BridgeDriver final : public NetworkDriver {
  public:
    static constexpr const char* kName = "bridge";
    static constexpr const char* kDescription = "a bridge of this host for each network";
    /// Makes again what the state knows of; an endpoint whose links are gone is forgotten.
    explicit BridgeDriver(const DriverContext& context);

    NetworkCapabilities capabilities() override;
    GatewayAllocation gatewayAllocCheck(const JsonOptions& options) override;
    void createNetwork(const CreateNetwork& request) override DAVIT_EXCLUDES(changing_);
    void deleteNetwork(const std::string& network_id) override DAVIT_EXCLUDES(changing_);
    EndpointInterface createEndpoint(const CreateEndpoint& request) override;
    JsonOptions endpointInfo(const std::string& network_id, const std::string& endpoint_id) override;
    void deleteEndpoint(const std::string& network_id, const std::string& endpoint_id) override;
    JoinReply join(const JoinRequest& request) override;
    void leave(const std::string& network_id, const std::string& endpoint_id) override;
    void programExternalConnectivity(const std::string& network_id, const std::string& endpoint_id, const JsonOptions& options) override;
    void revokeExternalConnectivity(const std::string& network_id, const std::string& endpoint_id) override;
    /// The rates may change; anything else is Error{invalid}.
    void updateEndpoint(const std::string& network_id, const std::string& endpoint_id, const JsonOptions& options) override;

  private:
    struct KnownNetwork {
        Network network;
        std::string request;   ///< its CreateNetwork, by which a repetition is known
        bool adopted = false;  ///< the bridge isn't ours to remove
    };

    /// True when the same network exists already.
    [[nodiscard]] bool checkConflicts(const Network& network, const std::string& request) const;
    void ensureForwarding(const Network& network) DAVIT_REQUIRES(changing_);
    /// Sees to it that other firewalls let the traffic of all bridges through; throws Error{system, unavailable}.
    void meetOthers();
    /// After a change of networks; `zones` tells firewalld of it. A failure is logged.
    void meetOthers(const std::function<void()>& zones) noexcept;
    [[nodiscard]] Network network(const std::string& id) const;
    [[nodiscard]] Endpoint endpoint(const std::string& network_id, const std::string& id) const;

    // bridge_ports.cpp
    void revoke(Endpoint& endpoint);
    /// What the packet filter translates from a loopback address is routed to the bridge only if that is allowed.
    static void letLoopbackThrough(const Network& network, const std::vector<PublishedPort>& ports);

    // bridge_restore.cpp
    void restoreNetworks(const StateJournal::Records& records) DAVIT_REQUIRES(changing_);
    void restoreEndpoints(const StateJournal::Records& records) DAVIT_REQUIRES(changing_);
    /// Of links to sandboxes that nobody knows any more, those on bridges that nobody else uses, and those whose bridge is gone.
    void removeStrays(const std::map<std::string, linux::Link>& links);
    /// Makes bridges again that somebody removed, and the sandboxes' links their ports.
    void mendBridges() DAVIT_REQUIRES(changing_);
    void restoreFirewall(const StateJournal::Records& records) DAVIT_REQUIRES(changing_);

    void warn(const std::string& text) { context_.log(LogLevel::warning, text); }

    const DriverContext context_;
    bool ip_forward_ = true;
    bool drop_foreign_ = true;
    StateJournal state_;
    Firewall firewall_;
    HostPorts host_ports_;
    LinkReaper<std::string> reaper_;  ///< of the host's ends
    Mutex changing_;
    LockedMap<KnownNetwork> networks_;
    EndpointTable<Endpoint> endpoints_{state_};
    Watch watch_;  ///< the last: its thread uses all others
};

}  // namespace davit::bridge
