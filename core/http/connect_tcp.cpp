// Apart from connect_unix.cpp: whoever links getaddrinfo statically gets NSS and a warning of the linker.
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/check.hpp"
#include "http/dial.hpp"

namespace davit::http {

std::unique_ptr<Stream> connectTcp(const std::string& host, std::uint16_t port, Deadline deadline) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int result = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (result != 0) throw error(Code::unavailable, "dial tcp: lookup {}: {}", host, ::gai_strerror(result));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, &::freeaddrinfo);
    int code = EHOSTUNREACH;
    for (const addrinfo* at = list.get(); at != nullptr; at = at->ai_next) {
        UniqueFd socket(::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket) continue;
        code = dial(socket.get(), at->ai_addr, at->ai_addrlen, deadline);
        if (code != 0) continue;
        const int on = 1;  // small requests must not wait for acknowledgements
        (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return streamOf(std::move(socket));
    }
    dialFailed("tcp " + host + ":" + std::to_string(port), code);
}

}  // namespace davit::http
