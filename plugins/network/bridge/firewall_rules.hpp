// The rule set as text of nft(8): one table per family with chains that never change, and sets and maps in which a network or a
// published port is a few elements.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "bridge_options.hpp"
#include "port_map.hpp"

namespace davit::bridge {

/// What the rules are about.
struct FirewallModel {
    struct Publication {
        std::string network_id;
        std::vector<PublishedPort> ports;
    };
    std::map<std::string, Network> networks;              ///< by id
    std::map<std::string, Publication> publications;      ///< by endpoint
    bool drop_foreign_ipv4 = false;  ///< what is neither from nor to a bridge isn't forwarded
    bool drop_foreign_ipv6 = false;
    std::set<std::string> others_ipv4, others_ipv6;  ///< bridges that another engine filters
};

/// Replaces both tables, in one transaction.
[[nodiscard]] std::string wholeRules(const FirewallModel& model);
/// Removes both tables, whether they are there or not.
[[nodiscard]] std::string noRules();
/// Replaces the bridges of other engines in one family's table.
[[nodiscard]] std::string otherBridgesRules(IpFamily family, const std::set<std::string>& bridges);
[[nodiscard]] std::string addNetworkRules(const Network& network);
[[nodiscard]] std::string removeNetworkRules(const Network& network);

}  // namespace davit::bridge
