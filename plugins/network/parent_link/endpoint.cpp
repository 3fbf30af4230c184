#include "endpoint.hpp"

#include "base/json.hpp"

namespace davit::parent_link {

std::string toJson(const Endpoint& endpoint) {
    json::Writer out;
    out.object([&] {
        out.member("ID", endpoint.id).member("NetworkID", endpoint.network_id);
        if (endpoint.ipv4) out.member("IPv4", endpoint.ipv4->text());
        if (endpoint.ipv6) out.member("IPv6", endpoint.ipv6->text());
        if (endpoint.mac) out.member("MAC", endpoint.mac->text());
        out.member("MACChosen", endpoint.mac_chosen).member("Interface", endpoint.interface).member("Sandbox", endpoint.sandbox);
    });
    return out.take();
}

Endpoint endpointFromJson(const std::string& text) {
    const json::Document document = json::Document::parse(text);
    const json::Value root = document.root();
    return {.id = root["ID"].string(),
            .network_id = root["NetworkID"].string(),
            .ipv4 = IpPrefix::parse(root["IPv4"].string()),
            .ipv6 = IpPrefix::parse(root["IPv6"].string()),
            .mac = linux::MacAddress::parse(root["MAC"].string()),
            .mac_chosen = root["MACChosen"].boolean(),
            .interface = root["Interface"].string(),
            .sandbox = root["Sandbox"].string()};
}

}  // namespace davit::parent_link
