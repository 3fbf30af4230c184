#include <algorithm>

#include "network/controller.hpp"

namespace davit::network {
namespace {

constexpr std::string_view kResolverAddress = "127.0.0.11";

bool isLoopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }

void addAddress(const std::string& cidr, std::vector<IpAddress>& addresses) {
    if (const std::optional<IpPrefix> prefix = IpPrefix::parse(cidr)) addresses.push_back(prefix->address);
}

/// "target:alias", or "target" alone.
std::map<std::string, std::string> linksOf(const EndpointConfig& config) {
    std::map<std::string, std::string> links;
    for (const std::string& text : config.links) {
        const std::size_t colon = text.find(':');
        const std::string target = text.substr(0, colon);
        links[colon == std::string::npos ? target : text.substr(colon + 1)] = target;
    }
    return links;
}

resolver::Membership membershipOf(const Endpoint& endpoint) {
    resolver::Membership membership{.network = endpoint.network_id,
                                    .network_name = endpoint.network_name,
                                    .names = endpoint.dns_names,
                                    .addresses = {},
                                    .links = linksOf(endpoint.config)};
    addAddress(endpoint.address, membership.addresses);
    addAddress(endpoint.address_v6, membership.addresses);
    return membership;
}

/// The servers of the host's own file are the host's: those on its loopback, and of a family that the sandbox hasn't got, are asked
/// from there. Those that the client chose are as the container sees them. The resolver never asks itself.
std::vector<resolver::Upstream> upstreamsOf(const Sandbox& sandbox) {
    const bool has_v6 = std::any_of(sandbox.endpoints.begin(), sandbox.endpoints.end(),
                                    [](const Endpoint& one) { return !one.address_v6.empty(); });
    std::vector<resolver::Upstream> upstreams;
    for (const std::string& address : sandbox.name_servers.addresses) {
        const bool v6 = address.find(':') != std::string::npos;
        const bool unreachable = isLoopback(address) || (v6 && !has_v6) || address.find('%') != std::string::npos;
        const bool from_host = !sandbox.name_servers.chosen && unreachable;
        if (from_host || address != kResolverAddress) upstreams.push_back({.address = address, .from_host = from_host});
    }
    return upstreams;
}

}  // namespace

ResolvedSandbox NetworkController::resolved(const Sandbox& sandbox) const {
    resolver::SandboxNames names{.id = sandbox.id,
                                 .memberships = {},
                                 .upstreams = upstreamsOf(sandbox),
                                 .forward = false,
                                 .ndots_set = sandbox.name_servers.ndots_set};
    const Endpoint* const gateway = sandbox.gatewayEndpoint();
    for (const Endpoint& endpoint : sandbox.endpoints) {
        const std::optional<Network> network = known(endpoint.network_id);
        if (!network) continue;
        names.forward = names.forward || !network->config.internal;
        if (!network->hasNames()) continue;
        names.memberships.insert(&endpoint == gateway ? names.memberships.begin() : names.memberships.end(), membershipOf(endpoint));
    }
    return {.names = std::move(names), .network_namespace = sandbox.key};
}

void NetworkController::showNames(Sandbox& sandbox) {
    if (!resolver_) return;
    ResolvedSandbox now = resolved(sandbox);
    sandbox.resolver = sandbox.resolver || !now.names.memberships.empty();
    if (sandbox.resolver) resolver_->set(std::move(now));
}

void NetworkController::hideNames(const std::string& sandbox_id) noexcept {
    if (resolver_) resolver_->remove(sandbox_id);
}

void NetworkController::restoreNames(const std::vector<std::string>& sandboxes) {
    if (!resolver_) return;
    std::vector<Sandbox> with_resolver;
    {
        const Lock lock(mutex_);
        for (const std::string& id : sandboxes)
            if (const Sandbox& sandbox = sandboxes_.at(id).sandbox; sandbox.resolver) with_resolver.push_back(sandbox);
    }
    std::vector<ResolvedSandbox> all;
    for (const Sandbox& sandbox : with_resolver) all.push_back(resolved(sandbox));
    resolver_->restore(std::move(all));
}

}  // namespace davit::network
