#include "resolver/upstream_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <boost/test/unit_test.hpp>

using namespace davit::resolver;

BOOST_AUTO_TEST_SUITE(upstream_socket_suite)

BOOST_AUTO_TEST_CASE(addresses_of_both_families_and_zones_are_read) {
    const SocketAddress v4 = SocketAddress::of("10.1.2.3", 53).value();
    BOOST_TEST(v4.storage.ss_family == AF_INET);
    BOOST_TEST(reinterpret_cast<const sockaddr_in&>(v4.storage).sin_port == htons(53));
    const SocketAddress v6 = SocketAddress::of("fe80::1%lo", 53).value();
    BOOST_TEST(v6.storage.ss_family == AF_INET6);
    BOOST_TEST(reinterpret_cast<const sockaddr_in6&>(v6.storage).sin6_scope_id == 1U);
    for (const char* text : {"", "name", "10.0.0", "fe80::1%none", "::1%"}) BOOST_TEST(!SocketAddress::of(text, 53).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
