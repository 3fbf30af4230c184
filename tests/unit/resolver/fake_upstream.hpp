// A DNS server for the tests: on 127.0.0.N, on a port of the kernel's choice, in the loop of the test.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

#include "resolver/event_loop.hpp"

namespace davit::resolver::test {

class FakeUpstream {
  public:
    /// What is sent for a question, each as a message of its own; over TCP with the length in front.
    using Reply = std::function<std::vector<std::string>(const std::string& question)>;

    FakeUpstream(EventLoop& loop, Reply reply, std::uint16_t port = 0, unsigned last = 1) : loop_(loop), reply_(std::move(reply)) {
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(0x7f000000U + last);
        address_.sin_port = htons(port);
        udp_ = open(SOCK_DGRAM);
        socklen_t size = sizeof address_;
        BOOST_REQUIRE(::getsockname(udp_.get(), reinterpret_cast<sockaddr*>(&address_), &size) == 0);
        tcp_ = open(SOCK_STREAM);
        BOOST_REQUIRE(::listen(tcp_.get(), 8) == 0);
        udp_watch_ = loop_.watch(udp_.get(), EPOLLIN, [this](std::uint32_t) { datagram(); });
        tcp_watch_ = loop_.watch(tcp_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
    }
    [[nodiscard]] std::uint16_t port() const { return ntohs(address_.sin_port); }
    int datagrams = 0;
    int connections = 0;

  private:
    UniqueFd open(int type) {
        UniqueFd socket(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        BOOST_REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0);
        return socket;
    }
    void datagram() {
        char buffer[4096];
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const ssize_t got = ::recvfrom(udp_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (got < 0) return;
        ++datagrams;
        for (const std::string& one : reply_(std::string(buffer, static_cast<std::size_t>(got))))
            (void)::sendto(udp_.get(), one.data(), one.size(), 0, reinterpret_cast<const sockaddr*>(&from), size);
    }
    void accept() {
        peer_.reset(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        ++connections;
        peer_watch_ = loop_.watch(peer_.get(), EPOLLIN, [this](std::uint32_t) { stream(); });
    }
    void stream() {
        char buffer[4096];
        const ssize_t got = ::recv(peer_.get(), buffer, sizeof buffer, 0);
        if (got <= 2) return peer_watch_.reset();
        for (const std::string& one : reply_(std::string(buffer + 2, static_cast<std::size_t>(got - 2)))) {
            const char length[] = {static_cast<char>(one.size() >> 8U), static_cast<char>(one.size() & 0xffU)};
            (void)::send(peer_.get(), length, 1, 0);  // in pieces, as a network may deliver it
            (void)::send(peer_.get(), length + 1, 1, 0);
            (void)::send(peer_.get(), one.data(), one.size() / 2, 0);
            (void)::send(peer_.get(), one.data() + one.size() / 2, one.size() - one.size() / 2, 0);
        }
    }
    EventLoop& loop_;
    Reply reply_;
    sockaddr_in address_{};
    UniqueFd udp_;
    UniqueFd tcp_;
    UniqueFd peer_;
    EventLoop::Watch udp_watch_;
    EventLoop::Watch tcp_watch_;
    EventLoop::Watch peer_watch_;
};

}  // namespace davit::resolver::test
