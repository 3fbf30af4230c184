#include "cli/dial.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <climits>
#include <cstring>
#include <filesystem>

#include "base/check.hpp"
#include "base/process.hpp"
#include "cli/units.hpp"

namespace davit::cli {
namespace {

constexpr std::chrono::seconds kDialTime(30);

struct Address {
    std::string host;
    std::uint16_t port = 0;
};

// "1.2.3.4:80", "[::1]:80", "name:80"
Address splitAddress(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    std::string host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return {host, static_cast<std::uint16_t>(parseUnsigned(text.substr(colon + 1), 16))};
}

std::optional<std::pair<sockaddr_storage, socklen_t>> numericAddress(const Address& address) {
    sockaddr_storage storage{};
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(address.port);
        std::memcpy(&storage, &v4, sizeof v4);
        return std::pair{storage, static_cast<socklen_t>(sizeof v4)};
    }
    if (::inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(address.port);
        std::memcpy(&storage, &v6, sizeof v6);
        return std::pair{storage, static_cast<socklen_t>(sizeof v6)};
    }
    return std::nullopt;
}

std::unique_ptr<http::Stream> dialNumeric(const sockaddr_storage& address, socklen_t size, const std::string& name) {
    UniqueFd socket(check(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), "create a socket"));
    const timeval patience{.tv_sec = kDialTime.count(), .tv_usec = 0};
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
        throw Error(Code::unavailable, "dial tcp " + name + ": connect: " + std::strerror(errno), errno);
    const int on = 1;  // small requests must not wait for acknowledgements
    (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return http::streamOf(std::move(socket));
}

std::vector<std::string> wholeEnvironment() {
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
    return all;
}

// The child ends by itself when our end of the pair closes, so nobody waits for it.
std::unique_ptr<http::Stream> dialThrough(const std::string& program, std::vector<std::string> arguments) {
    int ends[2];
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "create a socket pair");
    UniqueFd ours(ends[0]);
    const UniqueFd theirs(ends[1]);
    arguments.insert(arguments.begin(), program);
    ChildProcess child = ChildProcess::spawn({.program = program,
                                              .args = std::move(arguments),
                                              .env = wholeEnvironment(),
                                              .stdin_fd = theirs.get(),
                                              .stdout_fd = theirs.get(),
                                              .stderr_fd = -1,
                                              .inherit = {},
                                              .new_session = false});
    child.release();
    return http::streamOf(std::move(ours));
}

std::string programInPath(const std::string& name) {
    std::string path = environment({"PATH"});
    while (!path.empty()) {
        const std::string candidate = path.substr(0, path.find(':')) + "/" + name;
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
        path.erase(0, path.find(':') == std::string::npos ? path.size() : path.find(':') + 1);
    }
    throw error(Code::unavailable, "exec: \"{}\": executable file not found in $PATH", name);
}

// ssh://[user@]host[:port][/socket]
std::unique_ptr<http::Stream> dialSsh(const std::string& host) {
    std::string rest = host.substr(std::strlen("ssh://"));
    std::string socket;
    if (const std::size_t slash = rest.find('/'); slash != std::string::npos) {
        socket = rest.substr(slash);
        rest.resize(slash);
    }
    std::vector<std::string> arguments{"-o", "ConnectTimeout=30", "-T"};
    if (const std::size_t at = rest.find('@'); at != std::string::npos) {
        arguments.insert(arguments.end(), {"-l", rest.substr(0, at)});
        rest.erase(0, at + 1);
    }
    if (const std::size_t colon = rest.rfind(':');
        colon != std::string::npos && rest.find(']', colon) == std::string::npos) {
        arguments.insert(arguments.end(), {"-p", rest.substr(colon + 1)});
        rest.resize(colon);
    }
    if (rest.empty() || rest[0] == '-') throw error(Code::invalid, "no host specified in {}", host);
    arguments.insert(arguments.end(), {"--", rest, "davit"});
    if (socket.size() > 1) arguments.insert(arguments.end(), {"--host", "unix://" + socket});
    arguments.insert(arguments.end(), {"system", "dial-stdio"});
    return dialThrough(programInPath("ssh"), std::move(arguments));
}

std::unique_ptr<http::Stream> dialHelper(const Endpoint& endpoint, const Address& address) {
    std::vector<std::string> arguments{address.host, std::to_string(address.port), endpoint.tls ? "tls" : "plain"};
    if (endpoint.tls) {
        arguments.emplace_back(endpoint.skip_verify ? "skip-verify" : "verify");
        arguments.insert(arguments.end(), {endpoint.ca, endpoint.cert, endpoint.key});
    }
    return dialThrough(helperPath("davit-dial-tls"), std::move(arguments));
}

}  // namespace

std::string normalizeHost(const std::string& host, bool tls) {
    const std::string default_port = tls ? ":2376" : ":2375";
    for (const std::string_view scheme : {"unix://", "ssh://"})
        if (host.starts_with(scheme)) return host == "unix://" ? std::string(kDefaultHost) : host;
    std::string rest = host;
    if (const std::size_t scheme = host.find("://"); scheme != std::string::npos) {
        const std::string name = host.substr(0, scheme);
        if (name != "tcp" && name != "http" && name != "https")
            throw error(Code::invalid, "invalid bind address format: {}", host);
        rest = host.substr(scheme + 3);
    }
    while (rest.ends_with('/')) rest.pop_back();
    if (rest.empty() || rest[0] == ':') rest = "127.0.0.1" + rest;
    const std::size_t colon = rest.rfind(':');
    const bool has_port = colon != std::string::npos && rest.find(']', colon) == std::string::npos;
    return "tcp://" + rest + (has_port ? "" : default_port);
}

std::string helperPath(const std::string& name) {
    char buffer[PATH_MAX];
    const ssize_t size = check(::readlink("/proc/self/exe", buffer, sizeof buffer), "read /proc/self/exe");
    const std::filesystem::path own =
        std::filesystem::path(std::string(buffer, static_cast<std::size_t>(size))).parent_path();
    for (const std::filesystem::path& candidate : {own / name, own / "../libexec/davit" / name})
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    throw error(Code::not_found, "{} isn't installed beside davit or in {}", name,
                (own / "../libexec/davit").lexically_normal().string());
}

std::string hostHeader(const Endpoint& endpoint) {
    const std::string host = normalizeHost(endpoint.host, endpoint.tls);
    return host.starts_with("tcp://") ? host.substr(6) : "api.moby.localhost";
}

std::unique_ptr<http::Stream> dial(const Endpoint& endpoint) {
    const std::string host = normalizeHost(endpoint.host, endpoint.tls);
    if (host.starts_with("unix://")) return http::connectUnix(host.substr(7), http::after(kDialTime));
    if (host.starts_with("ssh://")) return dialSsh(host);
    const Address address = splitAddress(host.substr(6));
    const auto numeric = numericAddress(address);
    if (numeric && !endpoint.tls) return dialNumeric(numeric->first, numeric->second, host.substr(6));
    return dialHelper(endpoint, address);
}

}  // namespace davit::cli
