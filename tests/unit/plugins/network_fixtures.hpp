// What the network driver's tests share: network namespaces that act as hosts, and TCP and UDP between them.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/process.hpp"
#include "davit/context.hpp"
#include "linux/netlink/in_namespace.hpp"

namespace davit {

inline UniqueFd ownNamespace() { return openFile("/proc/thread-self/ns/net", O_RDONLY); }

/// Runs a program with words of `line` in the namespace; true when it succeeds.
inline bool runIn(int ns, const std::string& line) {
    std::istringstream words(line);
    std::vector<std::string> args;
    for (std::string word; words >> word;) args.push_back(word);
    bool ok = false;
    linux::inNetworkNamespace(ns, [&] {
        auto child = ChildProcess::spawn({.program = "/usr/sbin/" + args.at(0), .args = args, .env = {"PATH=/usr/sbin:/usr/bin"}, .inherit = {}});
        ok = child.wait()->dockerCode() == 0;
    });
    return ok;
}

/// A network namespace of its own, gone with this object.
class Sandbox {
  public:
    Sandbox() {
        std::thread([this] {
            check(::unshare(CLONE_NEWNET), "make a network namespace");
            fd_ = ownNamespace();
        }).join();
    }
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] std::string path() const { return fmt::format("/proc/{}/fd/{}", ::getpid(), fd_.get()); }
    bool run(const std::string& line) const { return runIn(fd_.get(), line); }

  private:
    UniqueFd fd_;
};

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;

    SocketAddress() = default;
    SocketAddress(const std::string& ip, int port) {
        if (ip.find(':') == std::string::npos) {
            auto& address = reinterpret_cast<sockaddr_in&>(storage);
            address.sin_family = AF_INET;
            address.sin_port = htons(static_cast<std::uint16_t>(port));
            size = sizeof address;
            if (::inet_pton(AF_INET, ip.c_str(), &address.sin_addr) != 1) throw error(Code::invalid, "no address: {}", ip);
        } else {
            auto& address = reinterpret_cast<sockaddr_in6&>(storage);
            address.sin6_family = AF_INET6;
            address.sin6_port = htons(static_cast<std::uint16_t>(port));
            size = sizeof address;
            if (::inet_pton(AF_INET6, ip.c_str(), &address.sin6_addr) != 1) throw error(Code::invalid, "no address: {}", ip);
        }
    }
    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] std::string ip() const {
        char text[INET6_ADDRSTRLEN] = "";
        const void* at = storage.ss_family == AF_INET
                             ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(storage).sin_addr)
                             : static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr);
        return ::inet_ntop(storage.ss_family, at, text, sizeof text) != nullptr ? text : "";
    }
};

inline UniqueFd socketIn(int ns, const std::string& ip, int type) {
    UniqueFd fd;
    linux::inNetworkNamespace(ns, [&] {
        fd.reset(check(::socket(ip.find(':') == std::string::npos ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"));
    });
    return fd;
}

inline bool readable(int fd, int timeout_ms, short events = POLLIN) {
    pollfd entry{fd, events, 0};
    return ::poll(&entry, 1, timeout_ms) == 1;
}

/// Listens in a namespace and says who came.
class Server {
  public:
    Server(int ns, const std::string& ip, int port) : fd_(socketIn(ns, ip, SOCK_STREAM)) {
        SocketAddress address(ip, port);
        constexpr int kOn = 1;  // an ended connection of the server before may linger
        check(::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn), "set SO_REUSEADDR");
        check(::bind(fd_.get(), address.get(), address.size), "bind {}:{}", ip, port);
        check(::listen(fd_.get(), 4096), "listen");  // connections stay in the queue
    }
    /// The address of the client that connects next; empty when none comes.
    [[nodiscard]] std::string accept(int timeout_ms = 2000) {
        if (!readable(fd_.get(), timeout_ms)) return {};
        SocketAddress peer;
        last_.reset(::accept4(fd_.get(), peer.get(), &peer.size, SOCK_CLOEXEC));
        return last_ ? peer.ip() : "";
    }
    [[nodiscard]] int connection() const { return last_.get(); }

  private:
    UniqueFd fd_, last_;
};

struct Attempt {
    UniqueFd fd;    ///< connected, or none
    int error = 0;  ///< ETIMEDOUT: no answer
    std::chrono::milliseconds took{};
    explicit operator bool() const { return bool(fd); }
};

inline Attempt connectFrom(int ns, const std::string& ip, int port, int timeout_ms = 2000) {
    Attempt attempt{.fd = socketIn(ns, ip, SOCK_STREAM)};
    SocketAddress address(ip, port);
    const auto start = std::chrono::steady_clock::now();
    socklen_t size = sizeof attempt.error;
    if (::connect(attempt.fd.get(), address.get(), address.size) != 0) {
        attempt.error = errno;
        if (errno == EINPROGRESS) {
            attempt.error = ETIMEDOUT;
            if (readable(attempt.fd.get(), timeout_ms, POLLOUT))
                ::getsockopt(attempt.fd.get(), SOL_SOCKET, SO_ERROR, &attempt.error, &size);
        }
    }
    attempt.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
    if (attempt.error != 0) attempt.fd.reset();
    return attempt;
}

/// A host's view for a driver: where to keep its state, what it logs.
class DriverHost {
  public:
    explicit DriverHost(std::string state) : state_(std::move(state)) {
        host_ = {sizeof(davit_host), this, "test",
                 [](void* self, std::int32_t, davit_str text) {
                     static_cast<DriverHost*>(self)->log += std::string(text.data, text.len) + "\n";
                 },
                 [](void* self, const char* id) -> const void* {
                     const auto& path = static_cast<DriverHost*>(self)->state_;
                     return std::string(id) == DAVIT_HOST_STATE_DIRECTORY && !path.empty() ? path.c_str() : nullptr;
                 }};
    }
    DriverHost(const DriverHost&) = delete;
    DriverHost& operator=(const DriverHost&) = delete;
    [[nodiscard]] DriverContext context(const std::string& config = "{}") const { return {&host_, config}; }
    std::string log;

  private:
    std::string state_;
    davit_host host_{};
};

}  // namespace davit
