#include "endpoint.hpp"

#include "base/check.hpp"
#include "base/json.hpp"
#include "common/options.hpp"
#include "linux/netlink/rate_limit.hpp"

namespace davit::bridge {
namespace {

std::optional<std::uint64_t> rate(json::Value value) {
    return value ? std::optional(static_cast<std::uint64_t>(value.integer())) : std::nullopt;
}

}  // namespace

Rates readRates(Rates rates, const JsonOptions& options) {
    for (const auto& [name, limit] : {std::pair{"com.davit.rate-in", &rates.in}, std::pair{"com.davit.rate-out", &rates.out}})
        if (options.contains(name)) *limit = linux::readRate(name, plainOption(options, name));
    return rates;
}

std::string toJson(const Endpoint& endpoint) {
    json::Writer out;
    out.object([&] {
        out.member("ID", endpoint.id).member("NetworkID", endpoint.network_id);
        if (endpoint.ipv4) out.member("IPv4", endpoint.ipv4->text());
        if (endpoint.ipv6) out.member("IPv6", endpoint.ipv6->text());
        out.member("MAC", endpoint.mac.text()).member("Interface", endpoint.interface).member("Sandbox", endpoint.sandbox);
        if (endpoint.rates.in) out.member("RateIn", *endpoint.rates.in);
        if (endpoint.rates.out) out.member("RateOut", *endpoint.rates.out);
        out.key("Ports");
        out.raw(toJson(endpoint.ports));
    });
    return out.take();
}

Endpoint endpointFromJson(const std::string& text) {
    const json::Document document = json::Document::parse(text);
    const json::Value root = document.root();
    const auto mac = linux::MacAddress::parse(root["MAC"].string());
    if (!mac) throw error(Code::invalid, "the record of an endpoint has no MAC address: {}", text);
    return {.id = root["ID"].string(),
            .network_id = root["NetworkID"].string(),
            .ipv4 = IpPrefix::parse(root["IPv4"].string()),
            .ipv6 = IpPrefix::parse(root["IPv6"].string()),
            .mac = *mac,
            .interface = root["Interface"].string(),
            .sandbox = root["Sandbox"].string(),
            .rates = {.in = rate(root["RateIn"]), .out = rate(root["RateOut"])},
            .ports = publishedPorts(root["Ports"])};
}

}  // namespace davit::bridge
