#include "http/listener.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/check.hpp"
#include "base/defer.hpp"

namespace davit::http {
namespace {

constexpr int kBacklog = 4096;
constexpr int kFirstSystemdFd = 3;

sockaddr_un unixAddress(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        throw error(Code::invalid, "listen on unix socket {}: the path must have 1 to 107 characters", path);
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

// A socket file whose owner died refuses connections; it is in the way of nothing.
void removeDeadSocket(const std::string& path, const sockaddr_un& address) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return;
    if (!S_ISSOCK(info.st_mode)) throw error(Code::conflict, "listen on unix socket {}: the file is no socket", path);
    const UniqueFd probe(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "create a socket"));
    if (::connect(probe.get(), generic(address), sizeof address) == 0 || errno == EAGAIN)
        throw error(Code::conflict, "listen on unix socket {}: another process serves it", path);
    check(::unlink(path.c_str()), "remove the dead socket {}", path);
}

UniqueFd tryListen(const addrinfo& address) {
    UniqueFd socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return {};
    const int on = 1;  // a restart must not wait for old connections to time out
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(socket.get(), address.ai_addr, address.ai_addrlen) != 0) return {};
    if (::listen(socket.get(), kBacklog) != 0) return {};
    return socket;
}

bool loopbackAddress(const sockaddr* address) {
    if (address->sa_family == AF_INET)
        return (ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 24) == 127;
    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
    return false;
}

std::vector<std::string> splitColons(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto colon = text.find(':');
        parts.emplace_back(text.substr(0, colon));
        text = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    }
    return parts;
}

}  // namespace

Listener listenUnix(const UnixListenOptions& options) {
    const sockaddr_un address = unixAddress(options.path);
    removeDeadSocket(options.path, address);
    UniqueFd socket(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "create a socket"));
    {
        const mode_t old = ::umask(0777 & ~(options.mode & 0700));
        const Defer restore([old] { ::umask(old); });
        check(::bind(socket.get(), generic(address), sizeof address), "bind unix socket {}", options.path);
    }
    if (options.group != static_cast<gid_t>(-1))
        check(::chown(options.path.c_str(), static_cast<uid_t>(-1), options.group), "change the group of {}",
              options.path);
    check(::chmod(options.path.c_str(), options.mode), "change the mode of {}", options.path);
    check(::listen(socket.get(), kBacklog), "listen on unix socket {}", options.path);
    return {std::move(socket), Transport::unix_socket, {}, "unix://" + options.path};
}

Listener listenTcp(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    const char* name = host.empty() ? nullptr : host.c_str();
    const int result = ::getaddrinfo(name, std::to_string(port).c_str(), &hints, &found);
    if (result != 0) throw error(Code::invalid, "listen on tcp {}:{}: {}", host, port, ::gai_strerror(result));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, &::freeaddrinfo);
    for (const addrinfo* at = list.get(); at != nullptr; at = at->ai_next) {
        UniqueFd socket = tryListen(*at);
        if (socket) return {std::move(socket), Transport::tcp, {}, fmt::format("tcp://{}:{}", host, port)};
    }
    throw Error::system(fmt::format("listen on tcp {}:{}", host, port), errno);
}

std::uint16_t boundPort(const Listener& listener) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    check(::getsockname(listener.socket.get(), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
    if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
    return 0;
}

bool isLoopback(const std::string& host) {
    if (host == "localhost") return true;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST;  // a name could resolve to anything tomorrow
    addrinfo* found = nullptr;
    if (host.empty() || ::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return false;
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, &::freeaddrinfo);
    return loopbackAddress(list->ai_addr);
}

Listener adoptListener(UniqueFd socket) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    check(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), "adopt descriptor {}",
          socket.get());
    int listening = 0;
    socklen_t length = sizeof listening;
    check(::getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &length), "adopt descriptor {}",
          socket.get());
    if (listening == 0) throw error(Code::invalid, "adopt descriptor {}: not a listening socket", socket.get());
    check(::fcntl(socket.get(), F_SETFD, FD_CLOEXEC), "adopt descriptor {}", socket.get());
    const int flags = check(::fcntl(socket.get(), F_GETFL), "adopt descriptor {}", socket.get());
    check(::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK), "adopt descriptor {}", socket.get());
    const auto transport = address.ss_family == AF_UNIX ? Transport::unix_socket : Transport::tcp;
    std::string name = "fd://" + std::to_string(socket.get());
    return {std::move(socket), transport, {}, std::move(name)};
}

std::vector<Listener> adoptSystemdListeners(const std::string& which) {
    const auto variable = [](const char* name) {
        const char* content = std::getenv(name);
        return std::string(content != nullptr ? content : "");
    };
    if (variable("LISTEN_PID") != std::to_string(::getpid())) return {};
    const std::string count_text = variable("LISTEN_FDS");
    int count = 0;
    (void)std::from_chars(count_text.data(), count_text.data() + count_text.size(), count);  // 0 when it is no number
    const std::vector<std::string> names = splitColons(variable("LISTEN_FDNAMES"));
    std::vector<Listener> listeners;
    for (int i = 0; i < count; ++i) {
        const int fd = kFirstSystemdFd + i;
        const auto index = static_cast<std::size_t>(i);
        const bool named = index < names.size() && names[index] == which;
        if (which.empty() || which == "*" || which == std::to_string(fd) || named)
            listeners.push_back(adoptListener(UniqueFd(fd)));
    }
    return listeners;
}

}  // namespace davit::http
