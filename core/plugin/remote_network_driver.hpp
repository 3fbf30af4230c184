// RemoteNetworkDriver: a NetworkDriver whose every method is a message. Stateless but for its transport; any thread.
#pragma once

#include "driver/network_driver.hpp"
#include "plugin/caller.hpp"

namespace davit::plugin {

class RemoteNetworkDriver final : public NetworkDriver {
  public:
    explicit RemoteNetworkDriver(std::shared_ptr<Transport> transport) : caller_(std::move(transport)) {}

    /// Error{invalid} when the scope is neither local nor global.
    NetworkCapabilities capabilities() override;
    void createNetwork(const CreateNetwork& request) override;
    void deleteNetwork(const std::string& network_id) override;
    /// What the reply leaves empty is what the request said. A reply that fills what was given is Error{invalid}.
    EndpointInterface createEndpoint(const CreateEndpoint& request) override;
    JsonOptions endpointInfo(const std::string& network_id, const std::string& endpoint_id) override;
    void deleteEndpoint(const std::string& network_id, const std::string& endpoint_id) override;
    JoinReply join(const JoinRequest& request) override;
    void leave(const std::string& network_id, const std::string& endpoint_id) override;
    GatewayAllocation gatewayAllocCheck(const JsonOptions& options) override;
    /// This and revoke: Error{unimplemented} from a driver that lacks them is no failure (§6 of the protocol).
    void programExternalConnectivity(const std::string& network_id, const std::string& endpoint_id,
                                     const JsonOptions& options) override;
    void revokeExternalConnectivity(const std::string& network_id, const std::string& endpoint_id) override;
    void updateEndpoint(const std::string& network_id, const std::string& endpoint_id, const JsonOptions& options) override;
    Options allocateNetwork(const CreateNetwork& request) override;
    void freeNetwork(const std::string& network_id) override;
    void discoverNew(const Discovery& discovery) override;
    void discoverDelete(const Discovery& discovery) override;

  private:
    Caller caller_;
};

}  // namespace davit::plugin
