// ParentLinkDriver: networks whose endpoints are links on top of one link of the host, each born in its sandbox. macvlan and ipvlan
// are its kinds.
//
// network         what a network is               kind             in what the kinds differ
// parent          the link of the host            host_link        the host's own place on a network
// endpoint        what an endpoint is             sandbox_link     its link
//
// Nothing is published: endpoints are on the parent's own network.
//
// Threads: any. `changing_` is held for the whole of a change of networks and of parents. Calls about one endpoint come one after the
// other, as the caller's protocol says.
#pragma once

#include <string>

#include "base/thread_annotations.hpp"
#include "common/endpoint_table.hpp"
#include "common/link_reaper.hpp"
#include "common/locked_map.hpp"
#include "common/state_journal.hpp"
#include "davit/sdk.hpp"
#include "endpoint.hpp"
#include "kind.hpp"
#include "network.hpp"
#include "sandbox_link.hpp"

namespace davit::parent_link {

class ParentLinkDriver : public NetworkDriver {
  public:
    /// Makes again what the state knows of; an endpoint whose sandbox is gone is forgotten. Throws Error{unimplemented} when the
    /// kernel doesn't make links of this kind.
    ParentLinkDriver(const DriverContext& context, const Kind& kind);

    NetworkCapabilities capabilities() override;
    GatewayAllocation gatewayAllocCheck(const JsonOptions& options) override;
    void createNetwork(const CreateNetwork& request) override DAVIT_EXCLUDES(changing_);
    void deleteNetwork(const std::string& network_id) override DAVIT_EXCLUDES(changing_);
    EndpointInterface createEndpoint(const CreateEndpoint& request) override;
    JsonOptions endpointInfo(const std::string& network_id, const std::string& endpoint_id) override;
    void deleteEndpoint(const std::string& network_id, const std::string& endpoint_id) override;
    JoinReply join(const JoinRequest& request) override DAVIT_EXCLUDES(changing_);
    void leave(const std::string& network_id, const std::string& endpoint_id) override;

  private:
    struct KnownNetwork {
        Network network;
        std::string request;  ///< its CreateNetwork, by which a repetition is known
    };

    // parent_link_restore.cpp
    void restore() DAVIT_EXCLUDES(changing_);
    void restoreNetworks(const StateJournal::Records& records) DAVIT_REQUIRES(changing_);
    void restoreEndpoints(const StateJournal::Records& records);

    /// True when the same network exists already.
    [[nodiscard]] bool checkConflicts(const Network& network, const std::string& request) const;
    void make(const Network& network) DAVIT_REQUIRES(changing_);
    /// Removes the parent with the last network on it, when it is one that was made here.
    void removeUnusedParent(const std::string& name) DAVIT_REQUIRES(changing_);
    [[nodiscard]] Network network(const std::string& id) const;
    [[nodiscard]] Endpoint endpoint(const std::string& network_id, const std::string& id) const;
    [[nodiscard]] Endpoint describe(const CreateEndpoint& request, const Network& on) const;

    // parent_link_join.cpp
    /// Throws Error{conflict} when a joined endpoint on the same parent leaves no room for this one.
    void checkRoom(const Network& on, const Endpoint& joining) const;
    [[nodiscard]] int parentFor(const Network& on) DAVIT_EXCLUDES(changing_);
    void connect(const Network& on, const Endpoint& joining, const JoinRequest& request, bool repeated) DAVIT_EXCLUDES(changing_);
    [[nodiscard]] JoinReply gatewaysOf(const Network& on, const Endpoint& joined) const;
    void disconnect(const Network* on, const Endpoint& joined);

    void warn(const std::string& text) const { context_.log(LogLevel::warning, text); }

    const DriverContext context_;
    const Kind& kind_;
    StateJournal state_;
    LinkReaper<SandboxLink> reaper_;
    Mutex changing_;
    LockedMap<KnownNetwork> networks_;
    EndpointTable<Endpoint> endpoints_{state_};
};

}  // namespace davit::parent_link
