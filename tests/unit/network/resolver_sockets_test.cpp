#include "network/resolver_sockets.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>

#include "base/check.hpp"
#include "base/file.hpp"
#include "network/net_namespace.hpp"

using namespace davit;
using namespace davit::network;

namespace {

struct Place {
    TempDir dir;
    std::filesystem::path path = dir.path() / "netns" / "one";
    Place() { makeNamespace(path); }
    ~Place() { removeNamespace(path); }
};

sockaddr_in at(std::uint32_t address) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_addr.s_addr = htonl(address);
    result.sin_port = htons(53);
    return result;
}

/// Sends a datagram and begins a connection, both to port 53 of that address.
UniqueFd knock(const std::filesystem::path& path, std::uint32_t address) {
    UniqueFd stream;
    inNamespace(path, [&] {
        const sockaddr_in to = at(address);
        const UniqueFd datagrams(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
        (void)::sendto(datagrams.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
        stream.reset(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
        (void)::connect(stream.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
    });
    return stream;
}

bool readable(const UniqueFd& socket) {
    pollfd waited{socket.get(), POLLIN, 0};
    return ::poll(&waited, 1, 0) == 1;
}

constexpr std::uint32_t kResolver = 0x7f00000b;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(resolver_sockets, Place)

BOOST_AUTO_TEST_CASE(port_53_of_its_address_leads_to_them_and_no_other) {
    const ResolverSockets sockets = openResolverSockets(path);
    (void)knock(path, INADDR_LOOPBACK);
    BOOST_TEST(!readable(sockets.udp));
    BOOST_TEST(!readable(sockets.tcp));
    const UniqueFd stream = knock(path, kResolver);
    BOOST_TEST(readable(sockets.udp));
    BOOST_TEST(readable(sockets.tcp));
}

BOOST_AUTO_TEST_CASE(the_container_may_have_a_server_on_every_address) {
    const ResolverSockets sockets = openResolverSockets(path);
    UniqueFd own;
    inNamespace(path, [&] {
        own.reset(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
        const sockaddr_in any = at(INADDR_ANY);
        check(::bind(own.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), "bind port 53");
    });
    (void)knock(path, kResolver);
    BOOST_TEST(readable(sockets.udp));
    BOOST_TEST(!readable(own));
    (void)knock(path, INADDR_LOOPBACK);
    BOOST_TEST(readable(own));
}

BOOST_AUTO_TEST_CASE(those_that_were_opened_last_count) {
    const ResolverSockets first = openResolverSockets(path);
    const ResolverSockets second = openResolverSockets(path);
    const UniqueFd stream = knock(path, kResolver);
    BOOST_TEST(!readable(first.udp));
    BOOST_TEST(readable(second.udp));
    BOOST_TEST(readable(second.tcp));
}

BOOST_AUTO_TEST_CASE(a_client_s_socket_reaches_those_that_replace_others) {
    UniqueFd client;
    const sockaddr_in to = at(kResolver);
    inNamespace(path, [&] { client.reset(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket")); });
    for (int round = 0; round < 3; ++round) {
        const ResolverSockets sockets = openResolverSockets(path);
        BOOST_TEST(::sendto(client.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 1);
        BOOST_TEST(readable(sockets.udp));
    }
}

BOOST_AUTO_TEST_CASE(without_a_namespace_there_are_none) {
    BOOST_CHECK_THROW((void)openResolverSockets(dir.path() / "none"), Error);
}

BOOST_AUTO_TEST_SUITE_END()
