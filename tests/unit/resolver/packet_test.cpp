#include "resolver/packet.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>

using namespace davit;
using namespace davit::resolver;

namespace {

struct Pair {
    UniqueFd left;
    UniqueFd right;
    Pair() {
        int ends[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
        left.reset(ends[0]);
        right.reset(ends[1]);
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(packet_suite)

BOOST_FIXTURE_TEST_CASE(texts_and_descriptors_arrive, Pair) {
    const UniqueFd event(::eventfd(0, EFD_CLOEXEC));
    BOOST_TEST(sendPacket(left.get(), "hello", {event.get(), event.get(), event.get()}));
    BOOST_TEST(sendPacket(left.get(), std::string(100'000, 'x')));
    Packet packet;
    BOOST_TEST((receivePacket(right.get(), packet) == Received::packet));
    BOOST_TEST(packet.text == "hello");
    BOOST_TEST(packet.descriptors.size() == 3U);
    BOOST_TEST((receivePacket(right.get(), packet) == Received::packet));
    BOOST_TEST(packet.text.size() == 100'000U);
    BOOST_TEST(packet.descriptors.empty());
    BOOST_TEST((receivePacket(right.get(), packet) == Received::nothing));
    left.reset();
    BOOST_TEST((receivePacket(right.get(), packet) == Received::end));
}

BOOST_FIXTURE_TEST_CASE(what_is_too_long_is_not_sent_and_not_taken, Pair) {
    BOOST_TEST(!sendPacket(left.get(), std::string(kMostPacket + 1, 'x')));
    BOOST_TEST(!sendPacket(left.get(), "x", std::vector<int>(kMostDescriptors + 1, 0)));
    const std::string longer(kMostPacket + 1, 'x');
    BOOST_REQUIRE(::send(left.get(), longer.data(), longer.size(), 0) > 0);
    Packet packet;
    BOOST_TEST((receivePacket(right.get(), packet) == Received::end));
}

BOOST_FIXTURE_TEST_CASE(the_last_words_of_a_peer_that_did_not_listen_are_heard, Pair) {
    BOOST_TEST(sendPacket(right.get(), "not read"));
    BOOST_TEST(sendPacket(left.get(), "one"));
    BOOST_TEST(sendPacket(left.get(), "two"));
    left.reset();
    Packet packet;
    for (const char* text : {"one", "two"}) {
        BOOST_TEST((receivePacket(right.get(), packet) == Received::packet));
        BOOST_TEST(packet.text == text);
    }
    BOOST_TEST((receivePacket(right.get(), packet) == Received::end));
}

BOOST_AUTO_TEST_SUITE_END()
