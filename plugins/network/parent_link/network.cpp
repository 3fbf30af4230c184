#include "network.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "common/options.hpp"

namespace davit::parent_link {
namespace {

constexpr const char* kParent = "parent";
constexpr const char* kHostAccess = "davit.host_access";
constexpr const char* kMtu = "com.docker.network.driver.mtu";
constexpr std::string_view kOwn = "davit.";

IpAddress addressIn(const IpPrefix& pool, const char* what, const std::string& text) {
    const auto address = IpPrefix::parse(text);
    if (!address || !pool.contains(address->address))
        throw error(Code::invalid, "invalid {} \"{}\" of the subnet {}", what, text, pool.text());
    return address->address;
}

std::vector<Subnet> readSubnets(const std::vector<IpamData>& pools, IpFamily family) {
    std::vector<Subnet> subnets;
    for (const IpamData& data : pools) {
        const auto pool = IpPrefix::parse(data.pool);
        if (!pool || pool->address.family != family) throw error(Code::invalid, "invalid subnet \"{}\"", data.pool);
        Subnet& subnet = subnets.emplace_back(Subnet{.pool = pool->network(), .gateway = std::nullopt, .host = std::nullopt});
        if (!data.gateway.empty()) subnet.gateway = addressIn(subnet.pool, "gateway", data.gateway);
        if (const auto host = data.aux_addresses.find("host"); host != data.aux_addresses.end())
            subnet.host = addressIn(subnet.pool, "auxiliary address", host->second);
    }
    return subnets;
}

// A pool that is everything is what the "null" IPAM driver gives.
void requirePool(const JsonOptions& options, const char* option, const std::vector<Subnet>& subnets, const char* family) {
    if (!boolOption(options, option, false)) return;
    if (subnets.empty() || subnets.front().pool.length == 0) throw error(Code::invalid, "{} pool is empty", family);
}

void checkNames(const Options& options, const Kind& kind) {
    for (const auto& [name, value] : options) {
        const bool own = name.starts_with(kOwn) && name != kHostAccess;
        if (own || name == "encrypted" || name.ends_with(".encrypted"))
            throw error(Code::invalid, "unknown option \"{}\" for the {} driver", name, kind.name);
    }
}

std::string valueOf(const Options& options, const std::string& name) {
    const auto found = options.find(name);
    return found == options.end() ? std::string() : found->second;
}

void readHostAccess(const Options& options, const Kind& kind, Network& network) {
    const std::string access = valueOf(options, kHostAccess);
    network.host_access = !access.empty() && readBool(kHostAccess, access);
    if (network.host_access && !network.mode.among_itself)
        throw error(Code::invalid, "{} needs a network whose links on {} reach each other: mode bridge of {}", kHostAccess,
                    network.parent.empty() ? "one parent" : network.parent, kind.name);
}

}  // namespace

const Subnet* Network::subnetOf(const IpPrefix& address) const {
    const std::vector<Subnet>& subnets = address.address.family == IpFamily::v4 ? ipv4 : ipv6;
    const auto found = std::find_if(subnets.begin(), subnets.end(), [&address](const Subnet& subnet) {
        return subnet.pool.length == address.length && subnet.pool.contains(address.address);
    });
    return found == subnets.end() ? nullptr : &*found;
}

Network readNetwork(const Kind& kind, const CreateNetwork& request) {
    if (!plainId(request.network_id)) throw error(Code::invalid, "invalid network id \"{}\"", request.network_id);
    const Options options = userOptions(request.options);
    checkNames(options, kind);
    Network network{.id = request.network_id, .parent = valueOf(options, kParent)};
    network.mode = kind.read_mode(options);
    network.internal = boolOption(request.options, "com.docker.network.internal", false);
    network.ipv4 = readSubnets(request.ipv4, IpFamily::v4);
    network.ipv6 = readSubnets(request.ipv6, IpFamily::v6);
    requirePool(request.options, "com.docker.network.enable_ipv4", network.ipv4, "ipv4");
    requirePool(request.options, "com.docker.network.enable_ipv6", network.ipv6, "ipv6");
    if (const std::string mtu = valueOf(options, kMtu); !mtu.empty()) network.mtu = readMtu(kMtu, mtu);
    readHostAccess(options, kind, network);
    if (network.parent == "lo") throw error(Code::invalid, "loopback interface is not a valid {} parent link", kind.name);
    if (network.parent.empty()) {
        network.placeholder = true;
        network.internal = true;
        network.parent = kind.placeholder_prefix + network.id.substr(0, 12);
    }
    (void)readLinkName(kParent, network.parent);
    return network;
}

}  // namespace davit::parent_link
