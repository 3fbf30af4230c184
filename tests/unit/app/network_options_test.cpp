#include "app/network_options.hpp"

#include <boost/test/unit_test.hpp>

#include "app/daemon_config.hpp"

using namespace davit;
using namespace davit::app;

namespace {

/// The first fault of a file, or "fine".
std::string fault(std::string_view text) {
    std::string help;
    DaemonConfig config = readFlags({}, help);
    std::vector<ConfigFault> found = applyFile(text, config);
    if (found.empty()) found = checkConfig(config);
    return found.empty() ? "fine" : std::to_string(found[0].line) + ": " + found[0].reason;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(network_options)

BOOST_AUTO_TEST_CASE(a_file_sets_what_dockers_sets) {
    std::string help;
    DaemonConfig config = readFlags({"--default-address-pool", "base=10.9.0.0/16,size=28"}, help);
    BOOST_TEST(applyFile(R"({"bip": "10.1.0.1/16", "fixed-cidr": "10.1.2.0/24", "default-gateway": "10.1.0.9", "mtu": 1400,
                             "icc": false, "ip": "127.0.0.1", "ip-forward": false, "ip-masq": false, "ipv6": true,
                             "fixed-cidr-v6": "fd00:1::/64", "dns": ["192.0.2.1"], "dns-opts": ["ndots:1"], "dns-search": ["x"],
                             "default-network-opts": {"bridge": {"a": "b"}}})", config).empty());
    BOOST_TEST(checkConfig(config).empty());
    const NetworkOptions& options = config.network;
    BOOST_TEST(options.bip.value().text() == "10.1.0.1/16");
    BOOST_TEST(options.fixed_cidr.value().text() == "10.1.2.0/24");
    BOOST_TEST(options.default_gateway.value().text() == "10.1.0.9");
    BOOST_TEST(options.fixed_cidr_v6.value().text() == "fd00:1::/64");
    BOOST_TEST(options.mtu == 1400U);
    BOOST_TEST((options.ipv6 && !options.icc && !options.ip_masq && !options.ip_forward));
    BOOST_TEST(options.address_pools == std::vector<std::string>{"10.9.0.0/16 28"}, boost::test_tools::per_element());
    BOOST_TEST(options.default_network_opts.at("bridge").at("a") == "b");
    BOOST_TEST(config.engine.dns.size() + config.engine.dns_options.size() + config.engine.dns_search.size() == 3U);
}

BOOST_AUTO_TEST_CASE(faults_name_line_and_reason) {
    BOOST_TEST(fault("{\n\"bip\": \"10.1.0.1\"}") == "2: bip: invalid CIDR address: 10.1.0.1");
    BOOST_TEST(fault("{\"bip\": \"10.1.0.0/24\"}") == "1: bip: 10.1.0.0/24 is the address of the subnet, not one for the bridge");
    BOOST_TEST(fault("{\"fixed-cidr-v6\": \"10.1.0.0/24\"}") == "1: fixed-cidr-v6: 10.1.0.0/24 is no IPv6 subnet");
    BOOST_TEST(fault("{\"ip\": \"localhost\"}") == "1: ip: localhost is not an ip address");
    BOOST_TEST(fault("{\"dns\": [\"1.2.3\"]}") == "1: dns: 1.2.3 is not an ip address");
    BOOST_TEST(fault("{\"mtu\": -1}") == "1: mtu: invalid default MTU: -1");
    BOOST_TEST(fault("{\"default-address-pools\": [{\"base\": \"10.0.0.0/8\", \"size\": 4}]}").starts_with("1: default-address-pools: invalid pools size: 4"));
    BOOST_TEST(fault("{\"default-address-pools\": [{\"base\": \"x\", \"size\": 4}]}").ends_with("invalid base pool \"x\": invalid CIDR address: x"));
}

BOOST_AUTO_TEST_CASE(what_contradicts_is_refused) {
    BOOST_TEST(fault(R"({"bridge": "br0", "bip": "10.1.0.1/24"})") ==
               "0: You specified -b & --bip, mutually exclusive options. Please specify only one");
    BOOST_TEST(fault(R"({"bip": "10.1.0.1/24", "fixed-cidr": "10.2.0.0/25"})") ==
               "0: fixed-cidr 10.2.0.0/25 is outside of the bridge's subnet 10.1.0.0/24");
    BOOST_TEST(fault(R"({"bip": "10.1.0.1/24", "default-gateway": "10.2.0.1"})").starts_with("0: default-gateway 10.2.0.1 is outside"));
    BOOST_TEST(fault(R"({"bridge": "none", "bip": "10.1.0.1/24"})") == "fine");
}

BOOST_AUTO_TEST_SUITE_END()
