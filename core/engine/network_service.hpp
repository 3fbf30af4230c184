// NetworkService: the use-cases of networks: what the API's /networks does. References are a network's name, id or unique
// beginning of the id. Threads: any. Throws Error with Docker's texts; what a client is told has been committed before.
#pragma once

#include <string>
#include <vector>

#include "engine/filters.hpp"
#include "network/controller.hpp"

namespace davit::engine {

class EngineCore;
struct Container;

/// A running container on a network.
struct NetworkMember {
    std::string container_id;
    std::string name;
    std::string endpoint_id;
    std::string mac_address;
    std::string ipv4_address;  ///< CIDR
    std::string ipv6_address;  ///< CIDR
};

class NetworkService {
  public:
    explicit NetworkService(EngineCore& core) : core_(core) {}
    NetworkService(const NetworkService&) = delete;
    NetworkService& operator=(const NetworkService&) = delete;

    /// By creation. Throws Error{invalid} for a filter that doesn't exist.
    [[nodiscard]] std::vector<network::Network> list(const Filters& filters) const;
    [[nodiscard]] network::Network inspect(const std::string& ref) const;
    [[nodiscard]] std::vector<NetworkMember> members(const std::string& network_id) const;

    network::Network create(network::NetworkConfig config);
    void remove(const std::string& ref);
    /// Removes the networks without running containers that the filters (until, label, label!) choose; returns their names.
    std::vector<std::string> prune(const Filters& filters);

    /// `container` is a reference as in ContainerService; it may run or not.
    void connect(const std::string& ref, const std::string& container, const network::EndpointConfig& config);
    /// With `force` what is left on the network of a container that is gone is removed.
    void disconnect(const std::string& ref, const std::string& container, bool force);

    /// Changes driver options of the container's endpoint there; those that aren't named stay. Of a container that doesn't run they
    /// count from its next start.
    void update(const std::string& ref, const std::string& container, const std::map<std::string, std::string>& driver_opts);

  private:
    [[nodiscard]] network::Sandbox connectRunning(const Container& container, const network::EndpointRequest& request);
    EngineCore& core_;
};

}  // namespace davit::engine
