#include <boost/test/unit_test.hpp>

#include "bridge_fixtures.hpp"

using namespace davit;
using namespace davit::bridge;

namespace {

Network sample(const std::string& id, int number) {
    Network network{.id = id, .bridge = "br" + std::to_string(number)};
    network.ipv4 = Subnet{.pool = *IpPrefix::parse(fmt::format("10.{}.0.0/16", number))};
    network.ipv6 = Subnet{.pool = *IpPrefix::parse(fmt::format("fd00:{}::/64", number))};
    network.trusted_interfaces = {"lan0"};
    return network;
}

PublishedPort port(const std::string& container, const std::string& host, std::uint16_t host_port) {
    return {.protocol = Protocol::tcp, .container = *IpAddress::parse(container), .port = 80, .host = *IpAddress::parse(host), .host_port = host_port};
}

struct FirewallOnly {
    FirewallOnly() { check(::unshare(CLONE_NEWNET), "make a network namespace"); }
    bool has(const std::string& line) { return runIn(ownNamespace().get(), "nft " + line); }
    Firewall firewall;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(bridge_firewall, FirewallOnly)

// Both ways of writing an element mean the same: a whole rule set and single messages are compared by looking one up that the
// other made.
BOOST_AUTO_TEST_CASE(changes_are_single_elements_and_mean_what_the_text_means) {
    const std::vector<PublishedPort> ports{port("10.1.0.2", "0.0.0.0", 8080), port("fd00:1::2", "::", 8080),
                                           port("10.1.0.2", "192.0.2.1", 8081), port("fd00:1::2", "2001:db8::1", 8081)};
    firewall.addNetwork(sample("one", 1));
    BOOST_TEST(firewall.rebuilds() == 1U);
    firewall.addNetwork(sample("two", 2));
    firewall.publish("endpoint", "one", ports);
    for (const char* element : {"ip davit published { tcp . 8080 }", "ip6 davit published { tcp . 8080 }",
                                "ip davit published_at { 192.0.2.1 . tcp . 8081 }", "ip6 davit published_at { 2001:db8::1 . tcp . 8081 }",
                                "ip davit open_ports { 10.1.0.2 . tcp . 80 }", "ip6 davit open_ports { fd00:1::2 . tcp . 80 }"})
        BOOST_TEST(has(std::string("get element ") + element), element);
    firewall.unpublish("endpoint");
    BOOST_TEST(!has("get element ip davit published { tcp . 8080 }"));
    BOOST_TEST(!has("get element ip6 davit open_ports { fd00:1::2 . tcp . 80 }"));
    BOOST_TEST(firewall.rebuilds() == 1U);
    has("delete table ip6 davit");
    firewall.publish("endpoint", "one", ports);
    BOOST_TEST(firewall.rebuilds() == 2U);
    BOOST_TEST(has("get element ip6 davit published { tcp . 8080 }"));
    firewall.unpublish("endpoint");
    firewall.removeNetwork("two");
    BOOST_TEST(firewall.rebuilds() == 2U);
    BOOST_TEST(has("list table ip davit"));
    firewall.removeNetwork("one");
    BOOST_TEST(!has("list table ip davit"));
}

// What a packet costs doesn't depend on how many there are.
BOOST_AUTO_TEST_CASE(networks_and_ports_are_elements_and_no_rules) {
    const auto rules = [] {
        const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen("/usr/sbin/nft -t list ruleset", "r"), ::pclose);
        std::string text(1U << 16U, '\0');
        text.resize(::fread(text.data(), 1, text.size(), pipe.get()));
        return text;
    };
    firewall.addNetwork(sample("one", 1));
    const std::string before = rules();
    BOOST_TEST(before.find("dnat ip to meta l4proto . th dport map @published") != std::string::npos);
    std::vector<PublishedPort> ports;
    for (std::uint16_t i = 0; i < 200; ++i) ports.push_back(port("10.1.0.2", "0.0.0.0", static_cast<std::uint16_t>(8000 + i)));
    firewall.publish("endpoint", "one", ports);
    for (int i = 2; i < 50; ++i) firewall.addNetwork(sample(std::to_string(i), i));
    BOOST_TEST(rules() == before);
}

BOOST_AUTO_TEST_SUITE_END()
