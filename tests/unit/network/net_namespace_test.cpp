#include "network/net_namespace.hpp"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "base/file.hpp"

using namespace davit;
using namespace davit::network;

namespace {

struct Place {
    TempDir dir;
    std::filesystem::path host = dir.path() / "netns" / "host";
    std::filesystem::path path = dir.path() / "netns" / "0123456789ab";
    Place() { makeNamespace(path); }
    ~Place() {
        for (const std::filesystem::path& file : namespaceFiles(dir.path() / "netns")) removeNamespace(file);
    }
    [[nodiscard]] bool holds(const char* command) const {
        bool result = false;
        inNamespace(path, [&] { result = std::system(command) == 0; });
        return result;
    }
};

std::uint64_t inodeOf(const std::filesystem::path& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 ? facts.st_ino : 0;
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_namespace_is_its_own_and_ready, Place) {
    BOOST_TEST(inodeOf(path) != inodeOf("/proc/self/ns/net"));
    BOOST_TEST(holds("ip link show lo | grep -q UP"));
    BOOST_TEST(holds("test $(cat /proc/sys/net/ipv4/ip_unprivileged_port_start) = 0"));
    BOOST_TEST(holds("test $(cat /proc/sys/net/ipv6/conf/default/disable_ipv6) = 1"));
    setIpv6(path, true);
    BOOST_TEST(holds("test $(cat /proc/sys/net/ipv6/conf/default/disable_ipv6) = 0"));
}

BOOST_FIXTURE_TEST_CASE(a_second_namespace_of_the_name_is_refused_and_leaves_the_first, Place) {
    const std::uint64_t before = inodeOf(path);
    BOOST_CHECK_THROW(makeNamespace(path), Error);
    BOOST_TEST(inodeOf(path) == before);
}

BOOST_FIXTURE_TEST_CASE(removing_is_repeatable, Place) {
    removeNamespace(path);
    BOOST_TEST(!std::filesystem::exists(path));
    removeNamespace(path);
}

BOOST_FIXTURE_TEST_CASE(a_link_of_the_host_is_moved_in, Place) {
    makeNamespace(host);
    inNamespace(host, [&] {
        BOOST_REQUIRE(std::system("ip link add out type veth peer name in0 && ip link set out up") == 0);
        moveLink(path, {.source = "in0", .name = "eth0", .mac_address = "02:42:0a:00:00:02", .addresses = {"10.0.0.2/24"}});
        BOOST_TEST(std::system("ip link show in0 2>/dev/null >&2") != 0);
    });
    BOOST_TEST(holds("ip addr show eth0 | grep -q 'inet 10.0.0.2/24'"));
    BOOST_TEST(holds("ip link show eth0 | grep -q 02:42:0a:00:00:02"));
    setRoutes(path, {.routes = {{"eth0", {"10.9.0.0/16", 0, "10.0.0.7"}}, {"eth0", {"10.8.0.0/16", 1, ""}}}, .gateway = "10.0.0.1", .gateway_v6 = {}});
    BOOST_TEST(holds("ip route | grep -q '^default via 10.0.0.1 dev eth0'"));
    BOOST_TEST(holds("ip route | grep -q '^10.9.0.0/16 via 10.0.0.7 dev eth0'"));
    BOOST_TEST(holds("ip route | grep -q '^10.8.0.0/16 dev eth0'"));
    setRoutes(path, {.routes = {}, .gateway = "10.0.0.9", .gateway_v6 = {}});
    BOOST_TEST(holds("test $(ip route | grep -c default) = 1"));
    setRoutes(path, {});
    BOOST_TEST(holds("! ip route | grep -q default"));
    setRoutes(path, {});
    BOOST_REQUIRE(holds("sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0"));
    for (int again = 0; again < 2; ++again) setRoutes(path, {.routes = {{"eth0", {"0.0.0.0/0", 1, ""}}, {"eth0", {"::/0", 1, ""}}}, .gateway = {}, .gateway_v6 = {}});
    BOOST_TEST(holds("ip route | grep -q '^default dev eth0'"));
    BOOST_TEST(holds("ip -6 route | grep -q '^default dev eth0'"));
    setRoutes(path, {.routes = {}, .gateway = "10.0.0.1", .gateway_v6 = {}});
    BOOST_TEST(holds("test $(ip route | grep -c default) = 1"));
    inNamespace(host, [&] { returnLink(path, "eth0", "in0"); });
    BOOST_TEST(holds("! ip link show eth0 2>/dev/null >&2"));
    inNamespace(host, [] { BOOST_TEST(std::system("ip link show in0 | grep -q 'state DOWN'") == 0); });
    inNamespace(host, [&] { returnLink(path, "eth0", "in0"); });
}

BOOST_FIXTURE_TEST_CASE(a_removed_interface_is_gone_at_once, Place) {
    BOOST_REQUIRE(holds("ip link add eth0 type veth peer name p0"));
    removeLink(path, "eth0");
    BOOST_TEST(holds("! ip link show eth0 2>/dev/null >&2"));
    removeLink(path, "eth0");
}
