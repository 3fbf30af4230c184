// Ports that a process carries to containers, and the life of that process.
#include <boost/test/unit_test.hpp>

#include <signal.h>

#include <filesystem>

#include "bridge_fixtures.hpp"

using namespace davit;
using namespace davit::bridge;

namespace {

template <class Condition>
bool eventually(const Condition& condition) {
    for (int i = 0; i < 500; ++i, ::usleep(10000))
        if (condition()) return true;
    return false;
}

// Sends through a connection and says what comes back from a server that is asked to answer.
std::string exchange(Server& server, const Attempt& client, const std::string& question, const std::string& reply) {
    if (!client || server.accept().empty()) return "nobody came";
    std::string buffer(64, '\0');
    writeAll(client.fd.get(), question);
    if (!readable(server.connection(), 2000)) return "no question";
    buffer.resize(static_cast<std::size_t>(::read(server.connection(), buffer.data(), buffer.size())));
    if (buffer != question) return "another question: " + buffer;
    writeAll(server.connection(), reply);
    buffer.resize(64);
    if (!readable(client.fd.get(), 2000)) return "no answer";
    buffer.resize(static_cast<std::size_t>(::read(client.fd.get(), buffer.data(), buffer.size())));
    return buffer;
}

struct Web : BridgeHost {
    std::string net = network(61);
    Container web{*this, net, 61, 2};
    Server server{web.ns(), "0.0.0.0", 80};
    std::string ask(int from, const std::string& address) { return exchange(server, connectFrom(from, address, 8080), "?", "!"); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(bridge_ports)

BOOST_FIXTURE_TEST_CASE(a_container_without_ipv6_is_published_on_both_families, Web) {
    web.publish(portMap(80, 8080));
    const auto info = driver->endpointInfo(net, web.endpoint);
    const json::Document document = json::Document::parse(info.at("com.docker.network.portmap"));
    const auto ports = publishedPorts(document.root());
    BOOST_REQUIRE(ports.size() == 2U);
    BOOST_TEST(ports[0].host.text() == "0.0.0.0");
    BOOST_TEST(ports[1].host.text() == "::");
    BOOST_TEST(ports[1].host_port == 8080);
    for (const char* address : {"::1", "2001:db8::1", "127.0.0.1", "192.0.2.1"}) BOOST_TEST(ask(self.get(), address) == "!", address);
    BOOST_TEST(ask(neighbour.fd(), "2001:db8::1") == "!");
    BOOST_TEST(ask(neighbour.fd(), "192.0.2.1") == "!");
    BOOST_TEST(helpers(self.get()).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(the_loopback_of_ipv6_leads_to_a_container_with_ipv6, BridgeHost) {
    const Container web(*this, network(62, "{}", true), 62, 2, true);
    Server server(web.ns(), "::", 80);
    web.publish(portMap(80, 8080));
    BOOST_TEST(exchange(server, connectFrom(self.get(), "::1", 8080), "?", "!") == "!");
    // All else is the kernel's: the client's address is seen.
    BOOST_TEST(bool(connectFrom(neighbour.fd(), "2001:db8::1", 8080)));
    BOOST_TEST(server.accept() == "2001:db8::2");
}

BOOST_FIXTURE_TEST_CASE(a_port_on_loopback_is_not_reached_from_the_lan, Web) {
    web.publish(R"([{"Proto":6,"Port":80,"HostIP":"::1","HostPort":8080},{"Proto":6,"Port":80,"HostIP":"127.0.0.1","HostPort":8080}])");
    BOOST_TEST(ask(self.get(), "::1") == "!");
    BOOST_TEST(ask(self.get(), "127.0.0.1") == "!");
    for (const char* address : {"2001:db8::1", "192.0.2.1"}) BOOST_TEST(!connectFrom(neighbour.fd(), address, 8080, 400), address);
    BOOST_TEST(!connectFrom(web.ns(), "10.61.0.1", 8080, 400));
}

BOOST_FIXTURE_TEST_CASE(a_host_without_ipv6_publishes_on_ipv4, Web) {
    run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1");
    web.publish(portMap(80, 8080));
    BOOST_TEST(driver->endpointInfo(net, web.endpoint).at("com.docker.network.portmap").find("::") == std::string::npos);
    BOOST_TEST(ask(self.get(), "127.0.0.1") == "!");
}

BOOST_FIXTURE_TEST_CASE(nobody_listening_in_the_container_is_a_reset, Web) {
    web.publish(portMap(81, 8081));
    const Attempt attempt = connectFrom(self.get(), "::1", 8081);
    char byte = 0;
    BOOST_REQUIRE((attempt.error == ECONNRESET || (bool(attempt) && readable(attempt.fd.get(), 2000))));
    if (attempt) BOOST_TEST((::read(attempt.fd.get(), &byte, 1) < 0 && errno == ECONNRESET));
}

BOOST_FIXTURE_TEST_CASE(streams_are_carried_whole_and_ends_are_passed_on, Web) {
    web.publish(portMap(80, 8080));
    const Attempt client = connectFrom(self.get(), "::1", 8080);
    BOOST_REQUIRE(bool(client));
    BOOST_REQUIRE(!server.accept().empty());
    constexpr std::size_t kMuch = 20U << 20U;
    std::string sent(kMuch, '\0');
    for (std::size_t i = 0; i < kMuch; ++i) sent[i] = static_cast<char>(i * 2654435761U >> 13U);
    std::thread writer([&] {
        for (std::size_t at = 0; at < kMuch;) {
            if (!readable(client.fd.get(), 5000, POLLOUT)) return;
            const ssize_t part = ::write(client.fd.get(), sent.data() + at, kMuch - at);
            if (part > 0) at += static_cast<std::size_t>(part);
        }
        ::shutdown(client.fd.get(), SHUT_WR);
    });
    std::string got;
    std::string buffer(65536, '\0');
    for (ssize_t part = 1; part > 0 && readable(server.connection(), 5000);) {
        part = ::read(server.connection(), buffer.data(), buffer.size());
        if (part > 0) got.append(buffer, 0, static_cast<std::size_t>(part));
    }
    writer.join();
    BOOST_TEST((got == sent));
    // The other way is still open.
    writeAll(server.connection(), "thanks");
    BOOST_REQUIRE(readable(client.fd.get(), 2000));
    BOOST_TEST(::read(client.fd.get(), buffer.data(), buffer.size()) == 6);
}

BOOST_FIXTURE_TEST_CASE(datagrams_are_carried_to_and_fro, Web) {
    web.publish(portMap(53, 5353, "", 17));
    const UniqueFd name_server = socketIn(web.ns(), "0.0.0.0", SOCK_DGRAM);
    SocketAddress local("0.0.0.0", 53);
    BOOST_REQUIRE(::bind(name_server.get(), local.get(), local.size) == 0);
    struct Way {
        int from;
        const char* to;
    };
    for (const Way way : {Way{self.get(), "::1"}, Way{self.get(), "2001:db8::1"}, Way{neighbour.fd(), "2001:db8::1"}}) {
        const UniqueFd client = socketIn(way.from, "::", SOCK_DGRAM);
        SocketAddress to(way.to, 5353), peer, from;
        for (int round = 0; round < 2; ++round) {
            BOOST_REQUIRE(::sendto(client.get(), "?", 1, 0, to.get(), to.size) == 1);
            BOOST_REQUIRE(readable(name_server.get(), 2000));
            char byte = 0;
            BOOST_TEST(::recvfrom(name_server.get(), &byte, 1, 0, peer.get(), &peer.size) == 1);
            BOOST_TEST(::sendto(name_server.get(), "!", 1, 0, peer.get(), peer.size) == 1);
            BOOST_REQUIRE(readable(client.get(), 2000));
            BOOST_TEST(::recvfrom(client.get(), &byte, 1, 0, from.get(), &from.size) == 1);
            BOOST_TEST(from.ip() == way.to);
        }
    }
}

BOOST_FIXTURE_TEST_CASE(two_hundred_ports_are_one_process, Web) {
    std::string ports;
    for (int i = 0; i < 200; ++i) ports += fmt::format(R"({}{{"Proto":6,"Port":80,"HostPort":{}}})", i == 0 ? "" : ",", 9000 + i);
    const auto start = std::chrono::steady_clock::now();
    web.publish("[" + ports + "]");
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    BOOST_TEST_MESSAGE("200 ports of both families published in " << took.count() << " ms");
    BOOST_TEST(helpers(self.get()).size() == 1U);
    for (const int port : {9000, 9100, 9199}) BOOST_TEST(exchange(server, connectFrom(self.get(), "::1", port), "?", "!") == "!");
    restart();
    BOOST_TEST(exchange(server, connectFrom(self.get(), "::1", 9150), "?", "!") == "!");
    BOOST_TEST(helpers(self.get()).size() == 1U);
    driver->revokeExternalConnectivity(net, web.endpoint);
    BOOST_TEST(connectFrom(self.get(), "::1", 9100).error == ECONNREFUSED);
    BOOST_TEST(eventually([&] { return helpers(self.get()).empty(); }));
}

BOOST_FIXTURE_TEST_CASE(ports_go_on_without_the_driver, Web) {
    web.publish(R"([{"Proto":6,"Port":80,"HostPort":8080},{"Proto":6,"Port":81,"HostPort":8081}])");
    Server long_one(web.ns(), "0.0.0.0", 81);
    const Attempt flying = connectFrom(self.get(), "::1", 8081);
    BOOST_REQUIRE(bool(flying));
    BOOST_REQUIRE(!long_one.accept().empty());
    driver.reset();
    BOOST_TEST(ask(self.get(), "127.0.0.1") == "!");
    BOOST_TEST(ask(self.get(), "::1") == "!");
    BOOST_CHECK_THROW(Server(self.get(), "0.0.0.0", 8080), Error);
    BOOST_CHECK_THROW(Server(self.get(), "::", 8080), Error);
    const auto before = helpers(self.get());
    restart();
    BOOST_TEST(ask(self.get(), "::1") == "!");
    BOOST_TEST((helpers(self.get()) == before));
    BOOST_CHECK_THROW(Server(self.get(), "0.0.0.0", 8080), Error);
    const Container other(*this, net, 61, 3);
    BOOST_CHECK_THROW(other.publish(portMap(80, 8080)), Error);
    writeAll(long_one.connection(), "x");
    char byte = 0;
    BOOST_REQUIRE(readable(flying.fd.get(), 2000));
    BOOST_TEST(::read(flying.fd.get(), &byte, 1) == 1);  // neither ended nor reset
    driver->revokeExternalConnectivity(net, web.endpoint);
    other.publish(portMap(80, 8080));
}

BOOST_FIXTURE_TEST_CASE(what_ended_meanwhile_is_given_up_by_the_next_driver, Web) {
    web.publish(portMap(80, 8080));
    driver.reset();
    BOOST_REQUIRE(run("ip link delete veth" + web.endpoint.substr(0, 7)));
    restart();
    BOOST_TEST(eventually([&] { return helpers(self.get()).empty(); }));
    const Server other(self.get(), "::", 8080);
}

BOOST_FIXTURE_TEST_CASE(a_driver_that_lost_its_state_gives_ports_up, Web) {
    web.publish(portMap(80, 8080));
    driver.reset();
    std::filesystem::remove(state.path() / "journal");
    restart();
    BOOST_TEST(eventually([&] { return helpers(self.get()).empty(); }));
    const Server other(self.get(), "::", 8080);
}

BOOST_FIXTURE_TEST_CASE(a_killed_process_is_started_again, Web) {
    web.publish(portMap(80, 8080));
    for (int i = 0; i < 3; ++i) {
        const auto before = helpers(self.get());
        BOOST_REQUIRE(before.size() == 1U);
        ::kill(before[0], SIGKILL);
        // Nobody else gets the port meanwhile, and a client waits for the next process.
        BOOST_CHECK_THROW(Server(self.get(), "::", 8080), Error);
        BOOST_TEST(ask(self.get(), "::1") == "!");
        BOOST_TEST((helpers(self.get()) != before));
    }
    BOOST_TEST(host.log.empty(), host.log);
}

BOOST_FIXTURE_TEST_CASE(one_that_does_not_answer_is_replaced, Web) {
    web.publish(portMap(80, 8080));
    const int hung = helpers(self.get()).at(0);
    ::kill(hung, SIGSTOP);
    const Container other(*this, net, 61, 3);
    other.publish(portMap(80, 8081));
    BOOST_TEST(ask(self.get(), "::1") == "!");
    BOOST_TEST(helpers(self.get()).size() == 1U);
    BOOST_TEST(helpers(self.get()).at(0) != hung);
}

BOOST_AUTO_TEST_SUITE_END()
