#include "runtime/config_validation.hpp"

#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <functional>

#include "base/error.hpp"
#include "runtime/security_options.hpp"

using namespace davit;
using namespace davit::runtime;

namespace {

using Change = std::function<void(ContainerConfig&, HostConfig&)>;

// What validation says of a valid configuration after `change`; empty when it accepts it.
std::string refusal(const Change& change) {
    ContainerConfig config;
    HostConfig host;
    change(config, host);
    try {
        (void)validateConfig(config, host);
        return {};
    } catch (const davit::Error& failure) {
        BOOST_TEST((failure.code() == Code::invalid));
        return failure.text();
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(config_validation)

BOOST_AUTO_TEST_CASE(defaults_are_accepted_and_filled) {
    ContainerConfig config;
    HostConfig host;
    host.memory = 64LL << 20;
    (void)validateConfig(config, host);
    BOOST_TEST(host.shm_size == 67108864);
    BOOST_TEST((host.memory_swap == 128LL << 20 || host.memory_swap == -1));
}

BOOST_AUTO_TEST_CASE(memory_and_cpu_limits) {
    BOOST_TEST(refusal([](auto&, auto& h) { h.memory = 1000; }) == "Minimum memory limit allowed is 6MB");
    BOOST_TEST(refusal([](auto&, auto& h) { h.memory_swap = 1000; }) ==
               "You should always set the Memory limit when using Memoryswap limit, see usage");
    BOOST_TEST(refusal([](auto&, auto& h) { h.memory = 10 << 20; h.memory_swap = 7 << 20; }) ==
               "Minimum memoryswap limit should be larger than memory limit, see usage");
    BOOST_TEST(refusal([](auto&, auto& h) { h.nano_cpus = 1; }).starts_with("Range of CPUs is from 0.01 to "));
    BOOST_TEST(refusal([](auto&, auto& h) { h.cpu_quota = 10; }) == "CPU cfs quota can not be less than 1ms (i.e. 1000)");
    BOOST_TEST(refusal([](auto&, auto& h) { h.nano_cpus = 10'000'000; }).empty());
}

// SEC-55
BOOST_AUTO_TEST_CASE(cpusets_are_bounded) {
    BOOST_TEST(refusal([](auto&, auto& h) { h.cpuset_cpus = "1-4294967295"; }) ==
               "Invalid value 1-4294967295 for cpuset cpus");
    BOOST_TEST(refusal([](auto&, auto& h) { h.cpuset_cpus = "8000"; }).starts_with("Requested CPUs are not available"));
    BOOST_TEST(refusal([](auto&, auto& h) { h.cpuset_cpus = "0"; }).empty());
}

// SEC-08
BOOST_AUTO_TEST_CASE(sysctls_are_namespaced_ones) {
    const auto sysctl = [](std::string key, std::string value) {
        return refusal([=](auto&, auto& h) { h.sysctls[key] = value; });
    };
    BOOST_TEST(sysctl("net.ipv4.ip_forward", "1").empty());
    BOOST_TEST(sysctl("net/ipv4/ip_forward", "1").empty());
    BOOST_TEST(sysctl("kernel.shmmax", "1").empty());
    BOOST_TEST(sysctl("kernel.core_pattern", "x") ==
               "sysctl \"kernel.core_pattern\" is not in a separate kernel namespace");
    BOOST_TEST(!sysctl("net.ipv4.x", "1\nkernel.core_pattern=x").empty());
    BOOST_TEST(!sysctl("net.../../kernel/core_pattern", "x").empty());
    BOOST_TEST(!sysctl("kernel.shm_rmid_forced+kernel.core_pattern", "x").empty());
    BOOST_TEST(!refusal([](auto&, auto& h) { h.network_mode = "host"; h.sysctls["net.x"] = "1"; }).empty());
}

// SEC-11
BOOST_AUTO_TEST_CASE(numeric_ids_never_wrap) {
    for (const auto* user : {"2147483648", "4294967296", "4294967295", "-1", "0:4294967295", "99999999999999999999"})
        BOOST_TEST(refusal([=](auto& c, auto&) { c.user = user; }) == "uids and gids must be in range 0-2147483647");
    for (const auto* user : {"2147483647", "1000:1000", "nobody", "nobody:nogroup", ""})
        BOOST_TEST(refusal([=](auto& c, auto&) { c.user = user; }).empty());
    BOOST_TEST(!refusal([](auto&, auto& h) { h.group_add = {"4294967296"}; }).empty());
}

BOOST_AUTO_TEST_CASE(capabilities_modes_devices_and_ulimits) {
    BOOST_TEST(refusal([](auto&, auto& h) { h.cap_add = {"FLY"}; }) ==
               "invalid CapAdd: unknown capability: \"CAP_FLY\"");
    BOOST_TEST(refusal([](auto&, auto& h) { h.pid_mode = "fly"; }) == "invalid PID mode: fly");
    BOOST_TEST(refusal([](auto&, auto& h) { h.ipc_mode = "container:"; }) == "invalid IPC mode: container:");
    BOOST_TEST(refusal([](auto&, auto& h) { h.ipc_mode = "container:abc"; }).empty());
    BOOST_TEST(refusal([](auto&, auto& h) { h.device_cgroup_rules = {"x 1:1 r"}; }) ==
               "invalid device cgroup rule format: 'x 1:1 r'");
    BOOST_TEST(refusal([](auto&, auto& h) { h.ulimits = {{"fly", 1, 1}}; }) == "invalid ulimit type: fly");
    BOOST_TEST(!refusal([](auto&, auto& h) { h.ulimits = {{"nofile", 2, 1}}; }).empty());
    BOOST_TEST(!refusal([](auto&, auto& h) { h.cgroup_parent = "/../x"; }).empty());
}

BOOST_AUTO_TEST_CASE(ports_and_environment) {
    BOOST_TEST(refusal([](auto& c, auto&) { c.exposed_ports = {"80/tcp", "8000-8010/udp", "5"}; }).empty());
    BOOST_TEST(refusal([](auto& c, auto&) { c.exposed_ports = {"99999/tcp"}; }) ==
               "invalid port specification: \"99999/tcp\"");
    BOOST_TEST(!refusal([](auto& c, auto&) { c.exposed_ports = {"9-8"}; }).empty());
    BOOST_TEST(refusal([](auto& c, auto&) { c.env = {"=x"}; }) == "invalid environment variable: =x");
    BOOST_TEST(!refusal([](auto& c, auto&) { c.cmd = Strings{std::string("a\0b", 3)}; }).empty());
}

BOOST_AUTO_TEST_CASE(security_options) {
    const auto options = parseSecurityOptions({"no-new-privileges", "seccomp=unconfined", "label:disable"});
    BOOST_TEST(options.no_new_privileges.value());
    BOOST_TEST(options.seccomp == "unconfined");
    BOOST_TEST(!parseSecurityOptions({"no-new-privileges=false"}).no_new_privileges.value());
    BOOST_TEST(refusal([](auto&, auto& h) { h.security_opt = {"fly"}; }) == "invalid --security-opt 1: \"fly\"");
    BOOST_TEST(refusal([](auto&, auto& h) { h.security_opt = {"fly=1"}; }) == "invalid --security-opt 2: \"fly=1\"");
}

BOOST_AUTO_TEST_CASE(signals_by_name_and_number) {
    BOOST_TEST(parseSignal("SIGTERM") == SIGTERM);
    BOOST_TEST(parseSignal("kill") == SIGKILL);
    BOOST_TEST(parseSignal("15") == 15);
    BOOST_TEST(parseSignal("RTMIN+3") == SIGRTMIN + 3);
    for (const auto* text : {"", "0", "99", "SIGFLY", "-1", "RTMIN+99"})
        BOOST_CHECK_THROW((void)parseSignal(text), davit::Error);
}

BOOST_AUTO_TEST_SUITE_END()
