#include "engine/etc_files.hpp"

#include <fcntl.h>

#include <boost/test/unit_test.hpp>

#include "base/file.hpp"
#include "make_container.hpp"

using namespace davit;
using namespace davit::engine;
using davit::engine::test::makeContainer;

BOOST_AUTO_TEST_SUITE(etc_files_suite)

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
    writeEtcFiles(directory.path(), Resolving::direct, container, {});
    const UniqueFd before = openFile(container.hostname_path, 0);
    writeEtcFiles(directory.path(), Resolving::direct, container, {});
    BOOST_TEST(readFile("/proc/self/fd/" + std::to_string(before.get())).value() == container.config->hostname + "\n");
}

BOOST_AUTO_TEST_CASE(resolv_conf_is_written_again_unless_the_container_changed_it) {
    const TempDir directory;
    Container container = makeContainer();
    writeEtcFiles(directory.path(), Resolving::direct, container, {});
    updateResolvConf(directory.path(), container);
    BOOST_TEST(readFile(container.resolv_conf_path).value().starts_with("nameserver 127.0.0.11\n"));
    updateResolvConf(directory.path(), container);
    writeEtcFiles(directory.path(), Resolving::direct, container, {});
    const UniqueFd file = openFile(container.resolv_conf_path, O_WRONLY | O_TRUNC);
    writeAll(file.get(), "nameserver 10.9.9.9\n");
    updateResolvConf(directory.path(), container);
    BOOST_TEST(readFile(container.resolv_conf_path).value() == "nameserver 10.9.9.9\n");
}

BOOST_AUTO_TEST_SUITE_END()
