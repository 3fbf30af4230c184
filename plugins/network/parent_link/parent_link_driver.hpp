// ParentLinkDriver: networks whose endpoints are links on top of one link of the host, each born in its sandbox. macvlan and ipvlan
// are its kinds.
//
// network         what a network is               kind             in what the kinds differ
// parent          the link of the host            host_link        the host's own place on a network
// endpoint        what an endpoint is             sandbox_link     its link
//
// Nothing is published: endpoints are on the parent's own network.
//
// Threads: any. `changing_` is held for the whole of a change of networks and of parents; `mutex_` only to look into the maps. Calls
// about one endpoint come one after the other, as the caller's protocol says.
#pragma once

#include <map>
#include <string>

#include "base/thread_annotations.hpp"
#include "common/link_reaper.hpp"
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
    void createNetwork(const CreateNetwork& request) override DAVIT_EXCLUDES(changing_, mutex_);
    void deleteNetwork(const std::string& network_id) override DAVIT_EXCLUDES(changing_, mutex_);
    EndpointInterface createEndpoint(const CreateEndpoint& request) override DAVIT_EXCLUDES(mutex_);
    JsonOptions endpointInfo(const std::string& network_id, const std::string& endpoint_id) override DAVIT_EXCLUDES(mutex_);
    void deleteEndpoint(const std::string& network_id, const std::string& endpoint_id) override DAVIT_EXCLUDES(mutex_);
    JoinReply join(const JoinRequest& request) override DAVIT_EXCLUDES(changing_, mutex_);
    void leave(const std::string& network_id, const std::string& endpoint_id) override DAVIT_EXCLUDES(mutex_);

  private:
    struct KnownNetwork {
        Network network;
        std::string request;  ///< its CreateNetwork, by which a repetition is known
    };

    // parent_link_restore.cpp
    void restore() DAVIT_EXCLUDES(changing_, mutex_);
    void restoreNetworks(const StateJournal::Records& records) DAVIT_REQUIRES(changing_) DAVIT_EXCLUDES(mutex_);
    void restoreEndpoints(const StateJournal::Records& records) DAVIT_EXCLUDES(mutex_);

    /// True when the same network exists already.
    bool checkConflicts(const Network& network, const std::string& request) DAVIT_EXCLUDES(mutex_);
    void make(const Network& network) DAVIT_REQUIRES(changing_) DAVIT_EXCLUDES(mutex_);
    /// Removes the parent with the last network on it, when it is one that was made here.
    void removeUnusedParent(const std::string& name) DAVIT_REQUIRES(changing_) DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] KnownNetwork network(const std::string& id) DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] Endpoint endpoint(const std::string& network_id, const std::string& id) DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] std::optional<Endpoint> findEndpoint(const std::string& id) DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] Endpoint describe(const CreateEndpoint& request, const Network& on) const;
    /// Throws Error{conflict} when a joined endpoint on the same parent leaves no room for this one.
    void checkRoom(const Network& on, const Endpoint& joining) DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] int parentFor(const Network& on) DAVIT_EXCLUDES(changing_);
    void connect(const Network& on, const Endpoint& joining, const JoinRequest& request, bool repeated) DAVIT_EXCLUDES(changing_);
    [[nodiscard]] JoinReply gatewaysOf(const Network& on, const Endpoint& joined) const;
    void disconnect(const Network* on, const Endpoint& joined);
    /// Keeps it, on disk first.
    void keep(const Endpoint& endpoint) DAVIT_EXCLUDES(mutex_);
    void warn(const std::string& text) const { context_.log(LogLevel::warning, text); }

    const DriverContext context_;
    const Kind& kind_;
    StateJournal state_;
    LinkReaper<SandboxLink> reaper_;
    Mutex changing_;
    Mutex mutex_;
    std::map<std::string, KnownNetwork> networks_ DAVIT_GUARDED_BY(mutex_);
    std::map<std::string, Endpoint> endpoints_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::parent_link
