#include "network/network.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "base/check.hpp"

namespace davit::network {

bool Network::hasFamily(IpFamily family) const noexcept {
    return std::any_of(pools.begin(), pools.end(), [&](const AssignedPool& one) { return one.family == family; });
}

std::string Port::text() const { return fmt::format("{}/{}", number, protocol); }

Port Port::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::string_view digits = text.substr(0, slash);
    Port port;
    if (slash != std::string_view::npos) port.protocol = text.substr(slash + 1);
    std::transform(port.protocol.begin(), port.protocol.end(), port.protocol.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), port.number);
    if (bad != std::errc() || end != digits.data() + digits.size() || port.number == 0)
        throw error(Code::invalid, "invalid containerPort: {}", text);
    if (port.protocol != "tcp" && port.protocol != "udp" && port.protocol != "sctp")
        throw error(Code::invalid, "invalid proto: {}", port.protocol);
    return port;
}

Endpoint* Sandbox::find(std::string_view network_id) noexcept {
    const auto found = std::find_if(endpoints.begin(), endpoints.end(),
                                    [&](const Endpoint& one) { return one.network_id == network_id; });
    return found == endpoints.end() ? nullptr : &*found;
}

Endpoint* Sandbox::gatewayEndpoint() noexcept {
    Endpoint* best = nullptr;
    const auto rank = [](const Endpoint& one) { return std::tuple(-one.config.gateway_priority, std::string_view(one.network_name)); };
    for (Endpoint& one : endpoints) {
        if (one.phase != Endpoint::Phase::attached || (one.gateway.empty() && one.gateway_v6.empty())) continue;
        if (best == nullptr || rank(one) < rank(*best)) best = &one;
    }
    return best;
}

void changeOptions(std::map<std::string, std::string>& options, const std::map<std::string, std::string>& changes) {
    for (const auto& [name, value] : changes) {
        if (value.empty())
            options.erase(name);
        else
            options[name] = value;
    }
}

}  // namespace davit::network
