#include "engine/etc_files.hpp"

#include <boost/test/unit_test.hpp>

#include "base/file.hpp"
#include "make_container.hpp"

using namespace davit;
using namespace davit::engine;
using davit::engine::test::makeContainer;

BOOST_AUTO_TEST_SUITE(etc_files_suite)

BOOST_AUTO_TEST_CASE(loopback_resolvers_are_left_out_of_another_namespace) {
    const std::string host = "# comment\nnameserver 127.0.0.53\nnameserver 10.0.0.1\noptions edns0\nsearch a.b c\n";
    const runtime::HostConfig config;
    BOOST_TEST(resolvConf(config, host, false) == "nameserver 10.0.0.1\nsearch a.b c\noptions edns0\n");
    BOOST_TEST(resolvConf(config, host, true).starts_with("nameserver 127.0.0.53\nnameserver 10.0.0.1\n"));
}

BOOST_AUTO_TEST_CASE(the_configuration_replaces_the_hosts) {
    runtime::HostConfig config;
    config.dns = {"9.9.9.9"};
    config.dns_search = {"x.y"};
    config.dns_options = {"ndots:2", "rotate"};
    BOOST_TEST(resolvConf(config, "nameserver 10.0.0.1\nsearch a\noptions b\n", false) ==
               "nameserver 9.9.9.9\nsearch x.y\noptions ndots:2 rotate\n");
    config.dns_search = {"."};
    BOOST_TEST(resolvConf(config, "search a\n", false).find("search") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(extra_hosts_are_added) {
    Container container = makeContainer();
    runtime::HostConfig host;
    host.extra_hosts = {"db:10.0.0.2", "six=fe80::1", "nonsense"};
    container.host_config = std::make_shared<const runtime::HostConfig>(host);
    BOOST_TEST(hostsFile(container, {}, "127.0.0.1\tlocalhost") ==
               "127.0.0.1\tlocalhost\n10.0.0.2\tdb\nfe80::1\tsix\n");
}

BOOST_AUTO_TEST_CASE(files_keep_their_inode_when_written_again) {
    const TempDir directory;
    Container container = makeContainer();
    writeEtcFiles(directory.path(), false, container, {});
    const UniqueFd before = openFile(container.hostname_path, 0);
    writeEtcFiles(directory.path(), false, container, {});
    BOOST_TEST(readFile("/proc/self/fd/" + std::to_string(before.get())).value() == container.config->hostname + "\n");
}

BOOST_AUTO_TEST_SUITE_END()
