// EndpointTable: the endpoints of a network driver, each with a record "endpoint/ID" in its journal. The record is written first.
//
// An Endpoint has the members id, network_id, ipv4 and ipv6; toJson() makes its record.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/ip.hpp"
#include "driver/network_driver.hpp"
#include "locked_map.hpp"
#include "options.hpp"
#include "state_journal.hpp"

namespace davit {

/// The address of an endpoint in CreateEndpoint; none when it is empty. Throws Error{invalid}.
[[nodiscard]] std::optional<IpPrefix> readEndpointAddress(const std::string& text, IpFamily family);

/// What every driver's endpoint has of CreateEndpoint: ids and addresses. Throws Error{invalid}.
template <class Endpoint>
[[nodiscard]] Endpoint readEndpoint(const CreateEndpoint& request) {
    if (!plainId(request.endpoint_id)) throw error(Code::invalid, "invalid endpoint id \"{}\"", request.endpoint_id);
    return {.id = request.endpoint_id,
            .network_id = request.network_id,
            .ipv4 = readEndpointAddress(request.interface.address, IpFamily::v4),
            .ipv6 = readEndpointAddress(request.interface.address_ipv6, IpFamily::v6)};
}

/// Any thread; calls about one endpoint come one after the other. What writes throws Error{system}, and nothing has changed then.
template <class Endpoint>
class EndpointTable {
  public:
    /// The journal outlives it.
    explicit EndpointTable(StateJournal& journal) : journal_(journal) {}

    [[nodiscard]] std::vector<Endpoint> all() const { return endpoints_.all(); }
    /// One that is on another network isn't found.
    [[nodiscard]] std::optional<Endpoint> find(const std::string& network_id, const std::string& id) const {
        auto found = endpoints_.find(id);
        return found && found->network_id == network_id ? std::move(found) : std::nullopt;
    }
    /// Throws Error{forbidden} when an endpoint is on the network.
    void requireNoneOn(const std::string& network_id) const {
        for (const Endpoint& one : endpoints_.all())
            if (one.network_id == network_id) throw error(Code::forbidden, "network {} has active endpoints", network_id);
    }
    /// A repetition gets what is there already. Throws Error{conflict} when that is another endpoint.
    Endpoint add(const Endpoint& made) {
        auto known = endpoints_.find(made.id);
        if (!known) {
            keep(made);
            return made;
        }
        if (known->network_id != made.network_id || known->ipv4 != made.ipv4 || known->ipv6 != made.ipv6)
            throw error(Code::conflict, "endpoint {} exists already", made.id);
        return std::move(*known);
    }
    void keep(const Endpoint& endpoint) {
        journal_.put(recordOf(endpoint.id), toJson(endpoint));
        endpoints_.put(endpoint.id, endpoint);
    }
    /// The same for one that has given something back: this also works on a full disk.
    void keepReduced(const Endpoint& endpoint) {
        journal_.reduce(recordOf(endpoint.id), toJson(endpoint));
        endpoints_.put(endpoint.id, endpoint);
    }
    /// Takes what a record says.
    void restore(const Endpoint& endpoint) { endpoints_.put(endpoint.id, endpoint); }
    void erase(const std::string& id) {
        journal_.erase(recordOf(id));
        endpoints_.erase(id);
    }

  private:
    static std::string recordOf(const std::string& id) { return "endpoint/" + id; }

    StateJournal& journal_;
    LockedMap<Endpoint> endpoints_;
};

}  // namespace davit
