#include "api/hosts.hpp"

#include <grp.h>

#include <charconv>

#include "base/check.hpp"
#include "base/log.hpp"

namespace davit::api {
namespace {

struct Address {
    std::string host;
    std::uint16_t port = 0;
};

gid_t groupId(const std::string& name) {
    if (name.empty()) {
        for (const char* candidate : {"docker", "davit"})
            if (const group* found = ::getgrnam(candidate)) return found->gr_gid;
        return 0;
    }
    if (const group* found = ::getgrnam(name.c_str())) return found->gr_gid;
    gid_t number = 0;
    const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (failure != std::errc() || end != name.data() + name.size())
        throw error(Code::invalid, "group {} not found", name);
    return number;
}

// "host:port", "[v6]:port", "host", ":port".
Address parseAddress(std::string_view text, std::uint16_t default_port) {
    Address address{"", default_port};
    std::string_view port;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) throw error(Code::invalid, "invalid bind address ({})", text);
        address.host = text.substr(1, close - 1);
        port = text.substr(close + 1);
        if (!port.empty() && port.front() != ':') throw error(Code::invalid, "invalid bind address ({})", text);
    } else {
        const auto colon = text.rfind(':');
        address.host = text.substr(0, colon);
        if (colon != std::string_view::npos) port = text.substr(colon);
    }
    if (address.host.empty()) address.host = "127.0.0.1";
    if (port.size() <= 1) return address;
    port.remove_prefix(1);
    const auto [end, failure] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (failure != std::errc() || end != port.data() + port.size())
        throw error(Code::invalid, "invalid bind address ({}): invalid port", text);
    return address;
}

http::Listener openTcp(std::string_view text, const HostOptions& options) {
    const bool tls = options.tls || options.tls_verify;
    const Address address = parseAddress(text, tls ? 2376 : 2375);
    if (!tls) {
        if (!http::isLoopback(address.host))
            throw error(
                Code::invalid,
                "refusing to serve the API on tcp://{}:{} without TLS: whoever reaches it has root on this host; use "
                "--tlsverify, or a loopback address",
                address.host, address.port);
        log::warning("API on tcp://{}:{} without TLS: every user of this host gets root through it", address.host,
                     address.port);
    } else if (!options.tls_verify) {
        log::warning("API on tcp://{}:{} doesn't verify its clients (no --tlsverify)", address.host, address.port);
    }
    http::Listener listener = http::listenTcp(address.host, address.port);
    if (tls) {
        listener.transport = http::Transport::tls;
        listener.accept = http::serverTls(options.tls_files, options.tls_verify);
    }
    return listener;
}

}  // namespace

std::vector<http::Listener> openHost(const std::string& host, const HostOptions& options) {
    std::vector<http::Listener> listeners;
    const std::string_view text = host;
    if (text.starts_with("fd://")) {
        listeners = http::adoptSystemdListeners(host.substr(5));
        if (listeners.empty()) throw error(Code::invalid, "{}: no sockets found, make sure systemd passed some", host);
        for (const http::Listener& listener : listeners)
            if (listener.transport != http::Transport::unix_socket)
                throw error(Code::invalid, "{}: only unix sockets can be passed: TCP needs tcp:// for its TLS settings",
                            host);
    } else if (text.starts_with("unix://") || text.starts_with("/")) {
        const std::string path(text.starts_with("/") ? text : text.substr(7));
        listeners.push_back(http::listenUnix({.path = path, .mode = 0660, .group = groupId(options.group)}));
    } else if (text.starts_with("tcp://")) {
        std::string_view rest = text.substr(6);
        listeners.push_back(openTcp(rest.substr(0, rest.find('/')), options));
    } else if (text.find("://") == std::string_view::npos && !text.empty()) {
        listeners.push_back(openTcp(text, options));
    } else {
        throw error(Code::invalid, "invalid bind address ({}): it must begin with unix://, tcp:// or fd://", host);
    }
    return listeners;
}

}  // namespace davit::api
