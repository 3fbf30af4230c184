#include "engine/resolv_conf.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit;
using namespace davit::engine;

BOOST_AUTO_TEST_SUITE(resolv_conf_suite)

BOOST_AUTO_TEST_CASE(loopback_servers_are_left_out_of_another_namespace) {
    const ResolvConf conf = resolvConf({}, "# comment\nnameserver 127.0.0.53\nnameserver 10.0.0.1\noptions edns0\nsearch a.b c\n");
    BOOST_TEST(render(conf, Resolving::direct, false) == "nameserver 10.0.0.1\nsearch a.b c\noptions edns0\n");
    BOOST_TEST(render(conf, Resolving::host, false).starts_with("nameserver 127.0.0.53\nnameserver 10.0.0.1\n"));
}

BOOST_AUTO_TEST_CASE(ipv6_servers_need_ipv6) {
    const ResolvConf conf = resolvConf({}, "nameserver 10.0.0.1\nnameserver fd00::53\n");
    BOOST_TEST(render(conf, Resolving::direct, false) == "nameserver 10.0.0.1\n");
    BOOST_TEST(render(conf, Resolving::direct, true) == "nameserver 10.0.0.1\nnameserver fd00::53\n");
}

BOOST_AUTO_TEST_CASE(without_any_server_there_are_dockers_public_ones) {
    const ResolvConf conf = resolvConf({}, "nameserver 127.0.0.1\n");
    BOOST_TEST(render(conf, Resolving::direct, false) == "nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
    BOOST_TEST(render(conf, Resolving::direct, true).find("nameserver 2001:4860:4860::8888\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_client_s_wishes_replace_the_host_s) {
    runtime::HostConfig config;
    config.dns = {"127.0.0.1", "9.9.9.9"};
    config.dns_search = {"x.y"};
    config.dns_options = {"ndots:2", "rotate"};
    const std::string host = "nameserver 10.0.0.1\nsearch a\noptions b\n";
    BOOST_TEST(render(resolvConf(config, host), Resolving::direct, false) ==
               "nameserver 127.0.0.1\nnameserver 9.9.9.9\nsearch x.y\noptions ndots:2 rotate\n");
    config.dns_search = {"."};
    BOOST_TEST(render(resolvConf(config, host), Resolving::direct, false).find("search") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_embedded_resolver_stands_for_all_servers) {
    const ResolvConf conf = resolvConf({}, "nameserver 127.0.0.53\nnameserver 10.0.0.1\nsearch a.b\noptions edns0\noptions rotate\nodd line\n");
    BOOST_TEST(render(conf, Resolving::embedded, false) ==
               "nameserver 127.0.0.11\nsearch a.b\noptions edns0 rotate ndots:0\nodd line\n");
    const network::NameServers servers = nameServers(conf);
    BOOST_TEST(servers.addresses == (std::vector<std::string>{"127.0.0.53", "10.0.0.1"}), boost::test_tools::per_element());
    BOOST_TEST(!servers.chosen);
    BOOST_TEST(!servers.ndots_set);
}

BOOST_AUTO_TEST_CASE(ndots_of_the_client_stays) {
    runtime::HostConfig config;
    config.dns_options = {"ndots:2"};
    BOOST_TEST(render(resolvConf(config, ""), Resolving::embedded, false) == "nameserver 127.0.0.11\noptions ndots:2\n");
    BOOST_TEST(nameServers(resolvConf(config, "")).ndots_set);
    config.dns_options = {"ndots:nonsense", "rotate"};
    BOOST_TEST(render(resolvConf(config, ""), Resolving::embedded, false) == "nameserver 127.0.0.11\noptions rotate ndots:0\n");
}

BOOST_AUTO_TEST_CASE(servers_that_the_client_chose_are_the_container_s) {
    runtime::HostConfig config;
    config.dns = {"127.0.0.1"};
    const network::NameServers servers = nameServers(resolvConf(config, "nameserver 10.0.0.1\n"));
    BOOST_TEST(servers.chosen);
    BOOST_TEST(servers.addresses == std::vector<std::string>{"127.0.0.1"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
