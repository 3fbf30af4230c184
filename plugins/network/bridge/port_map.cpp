#include "port_map.hpp"

#include <limits>

#include "base/check.hpp"

namespace davit::bridge {
namespace {

Protocol readProtocol(json::Value value) {
    const auto number = value.integer();
    for (const Protocol known : {Protocol::tcp, Protocol::udp, Protocol::sctp})
        if (number == static_cast<std::int64_t>(known)) return known;
    throw error(Code::invalid, "unknown protocol {} in a port mapping", number);
}

std::uint16_t readPort(json::Value value) {
    const auto number = value.integer();
    if (number < 0 || number > std::numeric_limits<std::uint16_t>::max())
        throw error(Code::invalid, "invalid port {} in a port mapping", number);
    return static_cast<std::uint16_t>(number);
}

IpAddress readAddress(json::Value value) {
    const auto address = IpAddress::parse(value.string());
    if (!address) throw error(Code::invalid, "invalid address \"{}\" in a port mapping", value.string());
    return *address;
}

}  // namespace

std::string_view protocolName(Protocol protocol) {
    switch (protocol) {
        case Protocol::tcp: return "tcp";
        case Protocol::udp: return "udp";
        case Protocol::sctp: return "sctp";
    }
    return "";
}

bool PublishedPort::reachesLoopback() const noexcept {
    static const IpPrefix kLoopback = *IpPrefix::parse("127.0.0.0/8");
    return !direct && host.family == IpFamily::v4 && (host.number == 0 || kLoopback.contains(host));
}

bool PublishedPort::translated() const noexcept {
    return !direct && host.family == container.family && !(host.family == IpFamily::v6 && host.number == 1);
}

bool PublishedPort::carried() const noexcept {
    if (direct || host.family != IpFamily::v6 || protocol == Protocol::sctp) return false;
    return container.family == IpFamily::v4 || host.number <= 1;
}

std::vector<PortRequest> readPortMap(const std::string& json) {
    const json::Document document = json::Document::parse(json);
    std::vector<PortRequest> requests;
    for (const json::Value item : document.root().array()) {
        PortRequest request{.protocol = readProtocol(item["Proto"]),
                            .port = readPort(item["Port"]),
                            .host_ip = std::nullopt,
                            .host_port = readPort(item["HostPort"]),
                            .host_port_end = readPort(item["HostPortEnd"])};
        if (request.port == 0) throw Error(Code::invalid, "a port mapping without a port");
        if (request.host_port_end == 0) request.host_port_end = request.host_port;
        if (request.host_port_end < request.host_port || (request.host_port == 0 && request.host_port_end != 0))
            throw error(Code::invalid, "invalid range of host ports {}-{}", request.host_port, request.host_port_end);
        if (!item["HostIP"].string().empty()) request.host_ip = readAddress(item["HostIP"]);
        requests.push_back(request);
    }
    return requests;
}

std::string toJson(const std::vector<PublishedPort>& ports) {
    json::Writer out;
    out.array([&] {
        for (const PublishedPort& port : ports)
            out.object([&] {
                out.member("Proto", static_cast<int>(port.protocol))
                    .member("IP", port.container.text())
                    .member("Port", port.port)
                    .member("HostIP", port.host.text())
                    .member("HostPort", port.host_port)
                    .member("HostPortEnd", port.host_port);
            });
    });
    return out.take();
}

std::vector<PublishedPort> publishedPorts(json::Value list) {
    std::vector<PublishedPort> ports;
    for (const json::Value item : list.array())
        ports.push_back({.protocol = readProtocol(item["Proto"]),
                         .container = readAddress(item["IP"]),
                         .port = readPort(item["Port"]),
                         .host = readAddress(item["HostIP"]),
                         .host_port = readPort(item["HostPort"]),
                         .direct = item["HostPort"].integer() == 0});
    return ports;
}

}  // namespace davit::bridge
