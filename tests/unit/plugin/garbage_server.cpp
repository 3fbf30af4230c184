#include "garbage_server.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>

#include "base/check.hpp"

namespace davit::plugin::test {

GarbageServer::GarbageServer(const std::filesystem::path& socket, Script script)
    : script_(std::move(script)),
      listener_(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "make a socket")),
      stop_(check(::eventfd(0, EFD_CLOEXEC), "make an eventfd")) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
    (void)::unlink(socket.c_str());
    check(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "bind {}", socket.native());
    check(::listen(listener_.get(), 16), "listen");
    thread_ = std::thread([this] { serve(); });
}

GarbageServer::~GarbageServer() {
    (void)::eventfd_write(stop_.get(), 1);
    thread_.join();
    for (auto& talk : talks_) talk.join();
}

std::vector<std::string> GarbageServer::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

GarbageServer::Script GarbageServer::always(std::string answer) {
    return [answer = std::move(answer)](const std::string&, int connection) {
        return ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(answer.size());
    };
}

std::string GarbageServer::response(int status, const std::string& body) {
    return fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n\r\n{}", status, body.size(), body);
}

void GarbageServer::serve() {
    for (;;) {
        std::array<pollfd, 2> entries{{{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
        (void)::poll(entries.data(), entries.size(), -1);
        if (entries[1].revents != 0) return;
        const int connection = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) continue;
        ++connections_;
        talks_.emplace_back([this, connection] { talk(connection); });
    }
}

void GarbageServer::talk(int connection) {
    const UniqueFd owned(connection);
    for (;;) {
        std::array<pollfd, 2> entries{{{connection, POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
        (void)::poll(entries.data(), entries.size(), -1);
        if (entries[1].revents != 0) return;
        char buffer[65536];
        std::string request;
        while (request.find("\r\n\r\n") == std::string::npos) {
            const ssize_t got = ::recv(connection, buffer, sizeof buffer, 0);
            if (got <= 0) return;
            request.append(buffer, static_cast<std::size_t>(got));
        }
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request);
        }
        if (!script_(request, connection)) return;
    }
}

}  // namespace davit::plugin::test
