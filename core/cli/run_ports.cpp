#include "cli/run_ports.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>

#include <optional>

#include "base/check.hpp"
#include "cli/run_values.hpp"
#include "cli/units.hpp"

namespace davit::cli {
namespace {

struct Range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    [[nodiscard]] std::uint64_t size() const { return last - first; }
};

Range parseRange(const std::string& text) {
    const auto [first, last] = cut(text, '-');
    if (text.empty()) throw error(Code::invalid, "empty string specified for ports.");
    const Range range{parseUnsigned(first, 16), parseUnsigned(last.value_or(first), 16)};
    if (range.last < range.first) throw error(Code::invalid, "invalid range specified for port: {}", text);
    return range;
}

std::optional<Range> tryRange(const std::string& text) {
    try {
        return parseRange(text);
    } catch (const Error&) {
        return std::nullopt;
    }
}

// "target=80,published=8080,protocol=tcp" in the short form.
std::string shortForm(const std::string& text) {
    const std::map<std::string, std::string> parts = toMap(parseCsvLine(text));
    const auto part = [&](const char* name) {
        const auto at = parts.find(name);
        return at == parts.end() ? std::string() : at->second;
    };
    const std::string protocol = part("protocol");
    return part("published") + ":" + part("target") + "/" + (protocol.empty() ? "tcp" : protocol);
}

struct Spec {
    std::string ip;
    std::string host;
    std::string container;
    std::string protocol = "tcp";
};

Spec splitSpec(const std::string& text) {
    Spec spec;
    const auto [ports, protocol] = cut(text, '/');
    if (protocol && !protocol->empty()) spec.protocol = *protocol;
    for (char& c : spec.protocol) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    std::string rest = ports;
    const std::size_t last = rest.rfind(':');
    spec.container = last == std::string::npos ? rest : rest.substr(last + 1);
    if (last == std::string::npos) return spec;
    rest.resize(last);
    const std::size_t middle = rest.rfind(':');
    spec.host = middle == std::string::npos ? rest : rest.substr(middle + 1);
    if (middle != std::string::npos) spec.ip = rest.substr(0, middle);
    if (spec.ip.starts_with('[') && spec.ip.ends_with(']')) spec.ip = spec.ip.substr(1, spec.ip.size() - 2);
    return spec;
}

bool isIp(const std::string& text) {
    unsigned char buffer[sizeof(in6_addr)];
    return ::inet_pton(AF_INET, text.c_str(), buffer) == 1 || ::inet_pton(AF_INET6, text.c_str(), buffer) == 1;
}

void publishOne(PortRequests& out, const std::string& given) {
    const std::string text = given.find('=') != std::string::npos ? shortForm(given) : given;
    const Spec spec = splitSpec(text);
    if (spec.container.empty()) throw error(Code::invalid, "no port specified: {}<empty>", text);
    if (!spec.ip.empty() && !isIp(spec.ip)) throw error(Code::invalid, "invalid IP address: {}", spec.ip);
    const std::optional<Range> container = tryRange(spec.container);
    if (!container) throw error(Code::invalid, "invalid containerPort: {}", spec.container);
    std::optional<Range> host;
    if (!spec.host.empty()) {
        host = tryRange(spec.host);
        if (!host) throw error(Code::invalid, "invalid hostPort: {}", spec.host);
    }
    if (spec.protocol != "tcp" && spec.protocol != "udp" && spec.protocol != "sctp")
        throw error(Code::invalid, "invalid proto: {}", spec.protocol);
    const bool pool = host && container->size() == 0 && host->size() > 0;  // one port from a range of host ports
    if (host && !pool && host->size() != container->size())
        throw error(Code::invalid, "invalid ranges specified for container and host Ports: {} and {}", spec.container,
                    spec.host);
    for (std::uint64_t i = 0; i <= container->size(); ++i) {
        const std::string port = fmt::format("{}/{}", container->first + i, spec.protocol);
        out.exposed.insert(port);
        std::string host_port;
        if (pool)
            host_port = spec.host;
        else if (host)
            host_port = std::to_string(host->first + i);
        out.bindings[port].push_back({spec.ip, host_port});
    }
}

void exposeOne(PortRequests& out, const std::string& text) {
    if (text.find(':') != std::string::npos) throw error(Code::invalid, "invalid port format for --expose: {}", text);
    const auto [ports, protocol] = cut(text, '/');
    Range range;
    try {
        range = parseRange(ports);
    } catch (const Error& failure) {
        throw error(Code::invalid, "invalid range format for --expose: {}, error: {}", text, failure.text());
    }
    for (std::uint64_t port = range.first; port <= range.last; ++port)
        out.exposed.insert(fmt::format("{}/{}", port, protocol && !protocol->empty() ? *protocol : "tcp"));
}

}  // namespace

PortRequests parsePorts(const std::vector<std::string>& publish, const std::vector<std::string>& expose) {
    PortRequests out;
    for (const std::string& text : publish) publishOne(out, text);
    for (const std::string& text : expose) exposeOne(out, text);
    return out;
}

}  // namespace davit::cli
