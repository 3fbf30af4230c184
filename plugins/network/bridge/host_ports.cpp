#include "host_ports.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/check.hpp"
#include "common/setting.hpp"

namespace davit::bridge {
namespace {

constexpr int kBacklog = 4096;

std::string hostText(const PublishedPort& port) {
    const std::string text = port.host.text();
    return port.host.family == IpFamily::v6 ? "[" + text + "]" : text;
}

std::string containerText(const PublishedPort& port) {
    const std::string text = port.container.text();
    return port.container.family == IpFamily::v6 ? "[" + text + "]" : text;
}

socklen_t socketAddress(const PublishedPort& port, sockaddr_storage& storage) {
    storage = {};
    if (port.host.family == IpFamily::v4) {
        auto& address = reinterpret_cast<sockaddr_in&>(storage);
        address.sin_family = AF_INET;
        address.sin_port = htons(port.host_port);
        address.sin_addr.s_addr = htonl(static_cast<std::uint32_t>(port.host.number));
        return sizeof address;
    }
    auto& address = reinterpret_cast<sockaddr_in6&>(storage);
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port.host_port);
    Uint128 number = port.host.number;
    for (int i = 15; i >= 0; --i, number >>= 8U) address.sin6_addr.s6_addr[i] = static_cast<std::uint8_t>(number & 0xffU);
    return sizeof address;
}

UniqueFd openSocket(const PublishedPort& port) {
    const int type = port.protocol == Protocol::udp ? SOCK_DGRAM : SOCK_STREAM;
    const int domain = port.host.family == IpFamily::v4 ? AF_INET : AF_INET6;
    UniqueFd fd(::socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, static_cast<int>(port.protocol)));
    if (!fd) return fd;
    constexpr int kOn = 1;
    if (domain == AF_INET6) check(::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &kOn, sizeof kOn), "keep a socket to IPv6");
    // Ended connections through the old socket don't count; another listener still does.
    if (port.protocol != Protocol::udp) check(::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn), "set SO_REUSEADDR");
    return fd;
}

bool unknownProtocol(int code) { return code == EPROTONOSUPPORT || code == ESOCKTNOSUPPORT; }

// Listening finds out whether another program does. Afterwards the port stays bound, and no longer to be shared.
int stopListening(int fd) {
    constexpr int kOff = 0;
    if (::listen(fd, 1) != 0 || ::shutdown(fd, SHUT_RDWR) != 0) return errno;
    return ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &kOff, sizeof kOff) == 0 ? 0 : errno;
}

// An errno, or 0. A protocol that this kernel has no sockets for can't be in anybody's use.
int listenFor(const PublishedPort& port, int fd) {
    if (port.protocol == Protocol::udp) return 0;
    if (!port.carried()) return stopListening(fd);
    return ::listen(fd, kBacklog) == 0 ? 0 : errno;
}

int bindPort(const PublishedPort& port, UniqueFd& fd) {
    fd = openSocket(port);
    if (!fd) return unknownProtocol(errno) ? 0 : errno;
    sockaddr_storage storage{};
    const socklen_t size = socketAddress(port, storage);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) return errno;
    return listenFor(port, fd.get());
}

// Of this network namespace, now.
bool hostHasIpv6() {
    const PublishedPort loopback{.protocol = Protocol::udp, .container = {}, .port = 0, .host = {IpFamily::v6, 1}};
    UniqueFd fd;
    return bindPort(loopback, fd) == 0;
}

forward::Place placeOf(Protocol protocol, const IpAddress& address, std::uint16_t number) {
    forward::Place place{.protocol = static_cast<std::uint8_t>(protocol),
                         .family = static_cast<std::uint8_t>(address.family == IpFamily::v4 ? 4 : 6),
                         .port = number};
    Uint128 rest = address.number;
    for (int i = static_cast<int>(ipBits(address.family) / 8) - 1; i >= 0; --i, rest >>= 8U) place.address[i] = static_cast<std::uint8_t>(rest & 0xffU);
    return place;
}

forward::Place hostPlace(const PublishedPort& port) { return placeOf(port.protocol, port.host, port.host_port); }

forward::Entry entryOf(const PublishedPort& port) {
    forward::Entry entry{.host = hostPlace(port), .target = {}};
    if (port.carried()) entry.target = placeOf(port.protocol, port.container, port.port);
    return entry;
}

std::string hostKey(const forward::Entry& entry) { return {reinterpret_cast<const char*>(&entry.host), sizeof entry.host}; }

std::vector<PortKeeper::Handed> handed(const std::vector<HostPorts::Held>& held) {
    std::vector<PortKeeper::Handed> result;
    for (const HostPorts::Held& one : held)
        if (one.socket) result.push_back({entryOf(one.port), one.socket.get()});
    return result;
}

// Of the container: an IPv6 address of the host leads to an IPv4 one when there is no other.
std::optional<IpAddress> destination(const IpAddress& host, const PortRequest& request, const PortTarget& target) {
    if (host.family == IpFamily::v4) return target.ipv4;
    if (target.ipv6) return target.ipv6;
    return target.routed_ipv4 || request.protocol == Protocol::sctp ? std::nullopt : target.ipv4;
}

// The host's sides of one request, without their port; a side from which the container can't be reached is left out.
std::vector<PublishedPort> sides(const PortRequest& request, const PortTarget& target) {
    std::vector<IpAddress> hosts;
    if (request.host_ip)
        hosts = {*request.host_ip};
    else if (target.default_host && target.default_host->number != 0)
        hosts = {*target.default_host};
    else
        hosts = {IpAddress{IpFamily::v4, 0}, IpAddress{IpFamily::v6, 0}};
    std::vector<PublishedPort> result;
    for (const IpAddress& host : hosts) {
        if (host.family == IpFamily::v6 && host.number == 0 && !hostHasIpv6()) continue;
        const auto container = destination(host, request, target);
        if (!container) continue;
        const bool direct = (container->family == IpFamily::v4 ? target.routed_ipv4 : target.routed_ipv6);
        result.push_back({.protocol = request.protocol,
                          .container = *container,
                          .port = request.port,
                          .host = host,
                          .direct = direct});
    }
    return result;
}

struct Range {
    std::uint16_t first = 32768;
    std::uint16_t last = 60999;
};

Range ephemeralRange() {
    Range range;
    unsigned first = 0, last = 0;
    const auto text = readSetting("ipv4/ip_local_port_range");
    if (text && std::sscanf(text->c_str(), "%u %u", &first, &last) == 2 && first > 0 && first <= last && last <= 65535)
        range = {static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
    return range;
}

}  // namespace

bool HostPorts::taken(const PublishedPort& port, const std::vector<Held>& more) const {
    const auto clashes = [&port](const Held& held) {
        const PublishedPort& other = held.port;
        return !other.direct && other.protocol == port.protocol && other.host_port == port.host_port && other.host.family == port.host.family &&
               (other.host.number == port.host.number || other.host.number == 0 || port.host.number == 0);
    };
    if (std::any_of(more.begin(), more.end(), clashes)) return true;
    return std::any_of(held_.begin(), held_.end(),
                       [&](const auto& entry) { return std::any_of(entry.second.begin(), entry.second.end(), clashes); });
}

// `only`: there is no other port to try, so that the reason counts.
bool HostPorts::tryPort(std::vector<Held>& held, Candidates candidates, std::uint16_t host_port, bool only) {
    std::vector<Held> bound;
    for (PublishedPort& port : candidates) {
        if (port.direct) {
            bound.push_back({.port = port, .socket = {}});
            continue;
        }
        port.host_port = host_port;
        if (taken(port, held)) {
            if (only) throw error(Code::system, "Bind for {}:{} failed: port is already allocated", hostText(port), host_port);
            return false;
        }
        Held one{.port = port, .socket = {}};
        const int failed = bindPort(port, one.socket);
        if (failed != 0 && (only || failed != EADDRINUSE)) {
            char buffer[128];
            std::string why = ::strerror_r(failed, buffer, sizeof buffer);
            why[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(why[0])));
            throw Error(Code::system,
                        fmt::format("failed to bind host port for {}:{}:{}:{}/{}: {}", hostText(port), host_port, containerText(port),
                                    port.port, protocolName(port.protocol), why),
                        failed);
        }
        if (failed != 0) return false;
        bound.push_back(std::move(one));
    }
    for (Held& one : bound) held.push_back(std::move(one));
    return true;
}

void HostPorts::reserveOne(std::vector<Held>& held, const PortRequest& request, const PortTarget& target) {
    const Candidates candidates = sides(request, target);
    if (candidates.empty()) return;
    if (request.host_port != 0 && request.host_port == request.host_port_end) {
        (void)tryPort(held, candidates, request.host_port, true);
        return;
    }
    const bool any = request.host_port == 0;
    const Range range = any ? ephemeralRange() : Range{request.host_port, request.host_port_end};
    const unsigned count = range.last - range.first + 1U;
    // Not the lowest free one: a port that was just given back would lead late clients to somebody else.
    const bool goes_on = any && last_ephemeral_ >= range.first && last_ephemeral_ < range.last;
    const unsigned start = goes_on ? last_ephemeral_ - range.first + 1U : 0;
    for (unsigned i = 0; i < count; ++i) {
        const auto port = static_cast<std::uint16_t>(range.first + (start + i) % count);
        if (!tryPort(held, candidates, port, false)) continue;
        if (any) last_ephemeral_ = port;
        return;
    }
    throw error(Code::system, "Bind for {}:{}-{} failed: all ports are allocated", hostText(candidates.front()), range.first, range.last);
}

std::vector<PublishedPort> HostPorts::reserve(const std::string& owner, const std::vector<PortRequest>& requests, const PortTarget& target) {
    const Lock lock(mutex_);
    std::vector<Held> held;
    // Fixed ports first: an ephemeral one must not be taken from them.
    for (const bool fixed : {true, false})
        for (const PortRequest& request : requests)
            if ((request.host_port != 0) == fixed) reserveOne(held, request, target);
    handOver(held);
    std::vector<PublishedPort> ports;
    for (const Held& one : held) ports.push_back(one.port);
    auto& all = held_[owner];
    for (Held& one : held) all.push_back(std::move(one));
    return ports;
}

void HostPorts::release(const std::string& owner) {
    const Lock lock(mutex_);
    const auto node = held_.extract(owner);
    if (!node) return;
    std::vector<forward::Place> hosts;
    for (const Held& one : node.mapped())
        if (one.socket) hosts.push_back(hostPlace(one.port));
    try {
        keeper_.remove(hosts);
    } catch (const Error&) {
        tryHandOverAll();
    }
}

void HostPorts::handOver(const std::vector<Held>& held) {
    const auto more = handed(held);
    try {
        keeper_.add(more);
    } catch (const Error&) {
        handOverAll();
        keeper_.add(more);
    }
}

void HostPorts::handOverAll() {
    keeper_.abandon();
    std::vector<PortKeeper::Handed> all;
    for (const auto& [owner, held] : held_)
        for (const PortKeeper::Handed& one : handed(held)) all.push_back(one);
    keeper_.add(all);
}

void HostPorts::tryHandOverAll() {
    try {
        handOverAll();
    } catch (const Error& e) {
        keeper_.abandon();
        log_(fmt::format("ports outlive this process no longer, and what comes to IPv6 isn't carried: {}", e.text()));
    }
}

bool HostPorts::nothingHeld() const {
    return std::all_of(held_.begin(), held_.end(), [](const auto& entry) {
        return std::none_of(entry.second.begin(), entry.second.end(), [](const Held& one) { return bool(one.socket); });
    });
}

void HostPorts::beginRestore() {
    const Lock lock(mutex_);
    try {
        for (PortKeeper::Kept& one : keeper_.adopt()) inherited_[hostKey(one.entry)] = std::move(one);
    } catch (const Error& e) {
        log_(e.text());
    }
}

void HostPorts::take(const std::string& owner, const std::vector<PublishedPort>& ports) {
    const Lock lock(mutex_);
    for (const PublishedPort& port : ports) {
        Held one{.port = port, .socket = {}};
        const forward::Entry entry = entryOf(port);
        if (const auto found = inherited_.extract(hostKey(entry)); found)
            one.socket = std::move(found.mapped().socket);
        else if (!port.direct && bindPort(port, one.socket) != 0)
            one.socket.reset();
        else if (one.socket)
            reopened_.push_back({entry, one.socket.get()});
        held_[owner].push_back(std::move(one));
    }
}

// What is kept already stays untouched: connections go through it.
void HostPorts::endRestore() {
    const Lock lock(mutex_);
    std::vector<forward::Place> unknown;
    for (const auto& [key, kept] : inherited_) unknown.push_back(kept.entry.host);
    try {
        keeper_.remove(unknown);
        keeper_.add(reopened_);
    } catch (const Error&) {
        tryHandOverAll();
    }
    inherited_.clear();
    reopened_.clear();
    if (nothingHeld()) keeper_.finish();
}

int HostPorts::keeper() {
    const Lock lock(mutex_);
    return keeper_.connection();
}

void HostPorts::tend() {
    const Lock lock(mutex_);
    if (nothingHeld())
        keeper_.finish();
    else if (!keeper_.alive())
        tryHandOverAll();
}

}  // namespace davit::bridge
