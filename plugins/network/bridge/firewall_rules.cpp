#include "firewall_rules.hpp"

#include <fmt/core.h>

#include <iterator>

#include "port_elements.hpp"

namespace davit::bridge {
namespace {

// {0}: the family's word, {1}: its address type, {2}: rules for the loopback addresses in guard, {3}: in published_ports,
// {4}: in postrouting, {5}: its echo request. Interface names never match in postrouting's input.
constexpr const char* kTable = R"(table {0} davit {{
  set bridges {{ type ifname; }}
  set others {{ type ifname; }}
  set internal {{ type ifname; }}
  set unprotected {{ type ifname; }}
  set routed {{ type ifname; }}
  set same {{ type ifname . ifname; }}
  set talking {{ type ifname . ifname; }}
  set behind {{ type ifname . {1}; flags interval; }}
  set direct {{ type ifname . {1}; flags interval; }}
  set guarded {{ type {1}; flags interval; }}
  set masqueraded {{ type {1}; flags interval; }}
  set open_ports {{ type {1} . inet_proto . inet_service; }}
  map published {{ type inet_proto . inet_service : {1} . inet_service; }}
  map published_at {{ type {1} . inet_proto . inet_service : {1} . inet_service; }}
  chain guard {{
    type filter hook prerouting priority raw; policy accept;
{2}    {0} daddr @guarded iifname . {0} daddr != @direct fib daddr type != local drop
  }}
  chain published_ports {{
{3}    dnat {0} to {0} daddr . meta l4proto . th dport map @published_at
    dnat {0} to meta l4proto . th dport map @published
  }}
  chain prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump published_ports
  }}
  chain output {{
    type nat hook output priority -100; policy accept;
    fib daddr type local jump published_ports
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ct status dnat oifname . {0} saddr @behind masquerade
{4}    {0} saddr @masqueraded oifname . {0} saddr != @behind masquerade
  }}
  chain to_containers {{
    ct state established,related accept
    ct status dnat accept
    iifname . oifname @talking accept
    {0} daddr . meta l4proto . th dport @open_ports accept
    oifname @routed {5} accept
    iifname != @bridges oifname @unprotected accept
    drop
  }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    iifname @internal iifname . oifname != @same drop
    oifname @internal iifname . oifname != @same drop
    oifname @bridges jump to_containers
  }}
}}
)";

// Behind our own chain and those of others. Of another engine's bridges what it publishes and what its containers send passes.
constexpr const char* kDropForeign = R"(table {0} davit {{
  chain foreign {{
    type filter hook forward priority filter + 10; policy drop;
    iifname @bridges accept
    oifname @bridges accept
    ct state established,related accept
    iifname @others accept
    oifname @others ct status dnat accept
  }}
}}
)";

struct Element {
    const char* set;
    std::string key;
    std::string value;  ///< of maps
};
using Elements = std::vector<Element>;

const char* word(IpFamily family) { return family == IpFamily::v4 ? "ip" : "ip6"; }

std::string table(IpFamily family) {
    if (family == IpFamily::v4)
        return fmt::format(kTable, "ip", "ipv4_addr", "    iifname != \"lo\" ip daddr 127.0.0.0/8 drop\n", "",
                           "    oifname @bridges ip saddr 127.0.0.0/8 masquerade\n", "icmp type echo-request");
    // Nothing is translated from ::1: the kernel wouldn't route the answer.
    return fmt::format(kTable, "ip6", "ipv6_addr", "", "    ip6 daddr ::1 return\n", "", "icmpv6 type echo-request");
}

std::string quoted(const std::string& link) { return "\"" + link + "\""; }

Elements subnetElements(const Network& network, const Subnet& subnet) {
    const std::string pool = subnet.pool.text(), link = quoted(network.bridge);
    Elements elements{{"behind", link + " . " + pool, {}}, {"direct", link + " . " + pool, {}}};
    if (subnet.mode == GatewayMode::nat_unprotected) elements.push_back({"unprotected", link, {}});
    if (subnet.mode == GatewayMode::routed) elements.push_back({"routed", link, {}});
    const bool translated = subnet.mode == GatewayMode::nat || subnet.mode == GatewayMode::nat_unprotected;
    if (network.internal || !translated || !network.masquerade) return elements;
    elements.push_back({"masqueraded", pool, {}});
    // Without masquerading answers come to the containers' own addresses: there the forward chain decides alone.
    if (subnet.mode != GatewayMode::nat) return elements;
    elements.push_back({"guarded", pool, {}});
    for (const std::string& trusted : network.trusted_interfaces) elements.push_back({"direct", quoted(trusted) + " . " + pool, {}});
    return elements;
}

Elements networkElements(const Network& network, IpFamily family) {
    const std::string link = quoted(network.bridge);
    Elements elements{{"bridges", link, {}}, {"same", link + " . " + link, {}}};
    if (network.internal) elements.push_back({"internal", link, {}});
    if (network.icc) elements.push_back({"talking", link + " . " + link, {}});
    if (const auto& subnet = network.subnet(family))
        for (Element& element : subnetElements(network, *subnet)) elements.push_back(std::move(element));
    return elements;
}

void write(std::string& text, const char* verb, IpFamily family, const Elements& elements) {
    const bool adding = verb[0] == 'a';
    for (const Element& element : elements)
        fmt::format_to(std::back_inserter(text), "{} element {} davit {} {{ {}{}{} }}\n", verb, word(family), element.set, element.key,
                       adding && !element.value.empty() ? " : " : "", adding ? element.value : "");
}

template <class Make>
std::string forBoth(const char* verb, const Make& make) {
    std::string text;
    for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) write(text, verb, family, make(family));
    return text;
}

}  // namespace

std::string noRules() {
    std::string text;
    for (const IpFamily family : {IpFamily::v4, IpFamily::v6})
        text += fmt::format("add table {0} davit\ndelete table {0} davit\n", word(family));
    return text;
}

std::string wholeRules(const FirewallModel& model) {
    std::string text = noRules();
    for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
        text += table(family);
        if (family == IpFamily::v4 ? model.drop_foreign_ipv4 : model.drop_foreign_ipv6)
            text += fmt::format(kDropForeign, word(family));
    }
    text += otherBridgesRules(IpFamily::v4, model.others_ipv4) + otherBridgesRules(IpFamily::v6, model.others_ipv6);
    for (const auto& [id, network] : model.networks) text += addNetworkRules(network);
    for (const auto& [endpoint, publication] : model.publications)
        if (const auto network = model.networks.find(publication.network_id); network != model.networks.end())
            for (const PortElement& element : portElements(network->second, publication.ports))
                write(text, "add", element.family, {{element.set, element.keyText(), element.valueText()}});
    return text;
}

std::string otherBridgesRules(IpFamily family, const std::set<std::string>& bridges) {
    std::string text = fmt::format("flush set {} davit others\n", word(family));
    for (const std::string& bridge : bridges) write(text, "add", family, {{"others", quoted(bridge), {}}});
    return text;
}

std::string addNetworkRules(const Network& network) {
    return forBoth("add", [&](IpFamily family) { return networkElements(network, family); });
}
std::string removeNetworkRules(const Network& network) {
    return forBoth("delete", [&](IpFamily family) { return networkElements(network, family); });
}
}  // namespace davit::bridge
