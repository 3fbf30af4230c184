#include "runtime/spec_builder.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "linux/capability.hpp"

using namespace davit;
using namespace davit::runtime;

namespace {

struct Fixture {
    ContainerConfig config;
    HostConfig host;
    HostFacts facts{.capabilities = linux::allCapabilities(), .kernel_major = 6, .kernel_minor = 1};
    SpecInput input;

    Fixture() {
        config.hostname = "0123456789ab";
        config.cmd = Strings{"true"};
        host.shm_size = 64 << 20;
    }
    oci::RuntimeSpec build() {
        input.id = "c0";
        input.config = &config;
        input.host_config = &host;
        input.facts = facts;
        input.root_path = "/r";
        input.cgroup_parent = "davit";
        input.init_path = "/usr/libexec/davit/davit-init";
        input.mounts = collectMounts(config, host);
        return buildSpec(input);
    }
    static const oci::Mount* mountAt(const oci::RuntimeSpec& spec, std::string_view target) {
        for (const oci::Mount& mount : spec.mounts)
            if (mount.destination == target) return &mount;
        return nullptr;
    }
    static bool has(const Strings& list, std::string_view word) {
        return std::find(list.begin(), list.end(), word) != list.end();
    }
    std::string namespaces(const oci::RuntimeSpec& spec) {
        std::string text;
        for (const oci::Namespace& item : spec.os.namespaces) text += item.type + item.path + " ";
        return text;
    }
    std::string failure() {
        try {
            (void)build();
            return {};
        } catch (const davit::Error& refused) {
            return refused.text();
        }
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(spec_builder, Fixture)

BOOST_AUTO_TEST_CASE(default_posture) {
    const auto spec = build();
    BOOST_TEST(namespaces(spec) == "mount network uts pid ipc ");
    BOOST_TEST(linux::capabilityMask(spec.process.capabilities->bounding) == 0xa80425fbU);
    BOOST_TEST(spec.process.capabilities->inheritable.empty());
    BOOST_TEST(spec.process.capabilities->ambient.empty());
    BOOST_TEST(spec.os.seccomp.has_value());
    BOOST_TEST(spec.os.masked_paths.size() >= 12U);
    BOOST_TEST(spec.os.readonly_paths.size() == 5U);
    BOOST_TEST(spec.os.cgroups_path == "/davit/c0");
    BOOST_TEST(has(mountAt(spec, "/sys")->options, "ro"));
    BOOST_TEST(has(mountAt(spec, "/sys/fs/cgroup")->options, "ro"));
    BOOST_TEST(has(mountAt(spec, "/dev/shm")->options, "size=67108864"));
    BOOST_TEST(spec.process.env == (Strings{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                            "HOSTNAME=0123456789ab"}),
               boost::test_tools::per_element());
    BOOST_TEST(spec.os.sysctl.at("net.ipv4.ip_unprivileged_port_start") == "0");
    BOOST_TEST(!spec.process.no_new_privileges);
    BOOST_TEST(!spec.os.resources.devices.front().allow);
}

BOOST_AUTO_TEST_CASE(privileged_has_everything) {
    host.privileged = true;
    const auto spec = build();
    BOOST_TEST(spec.process.capabilities->bounding.size() == linux::allCapabilities().size());
    BOOST_TEST(!spec.os.seccomp.has_value());
    BOOST_TEST(spec.os.masked_paths.empty());
    BOOST_TEST(has(mountAt(spec, "/sys")->options, "rw"));
    BOOST_TEST(spec.os.resources.devices.front().allow);
    BOOST_TEST(spec.os.devices.size() > 5U);
}

BOOST_AUTO_TEST_CASE(namespaces_follow_modes_and_cgroup_version) {
    facts.cgroup_v2 = true;
    host.pid_mode = "host";
    input.network_namespace = "/proc/1/ns/net";
    BOOST_TEST(namespaces(build()) == "mount network/proc/1/ns/net uts ipc cgroup ");
    BOOST_TEST(build().os.sysctl.empty());
}

BOOST_AUTO_TEST_CASE(commands_environment_and_init) {
    config.entrypoint = Strings{"/e"};
    config.env = {"PATH=/x", "A=1"};
    config.tty = true;
    host.init = true;
    const auto spec = build();
    BOOST_TEST(spec.process.args == (Strings{"/sbin/docker-init", "--", "/e", "true"}), boost::test_tools::per_element());
    BOOST_TEST(spec.process.env == (Strings{"PATH=/x", "HOSTNAME=0123456789ab", "TERM=xterm", "A=1"}),
               boost::test_tools::per_element());
    BOOST_TEST(mountAt(spec, "/sbin/docker-init")->source == "/usr/libexec/davit/davit-init");
}

BOOST_AUTO_TEST_CASE(user_mounts_replace_and_are_ordered_by_depth) {
    host.binds = {"/h:/a/b/c:ro", "/h:/a", "/h:/dev/shm"};
    host.tmpfs = {{"/t", "size=1m,exec"}};
    const auto spec = build();
    const auto position = [&](std::string_view target) { return mountAt(spec, target) - spec.mounts.data(); };
    BOOST_TEST(position("/a") < position("/a/b/c"));
    BOOST_TEST(mountAt(spec, "/dev/shm")->source == "/h");
    BOOST_TEST(has(mountAt(spec, "/a/b/c")->options, "rro"));
    BOOST_TEST(has(mountAt(spec, "/t")->options, "exec"));
    BOOST_TEST(!has(mountAt(spec, "/t")->options, "noexec"));
}

// SEC-05
BOOST_AUTO_TEST_CASE(nothing_is_mounted_on_proc) {
    host.binds = {"/tmp:/proc/sys"};
    BOOST_TEST(failure() == "\"/proc/sys\" cannot be mounted because it is inside /proc");
    host.binds = {"/tmp:/proc"};
    BOOST_TEST(!failure().empty());
    host.binds = {"/proc:/proc"};
    BOOST_TEST(failure().empty());
    host.binds = {"/etc/hostname:/proc/uptime"};
    BOOST_TEST(failure().empty());
}

BOOST_AUTO_TEST_CASE(devices_and_their_errors) {
    host.devices = {{"/dev/null", "/dev/mine", "rw"}};
    const auto spec = build();
    BOOST_TEST(spec.os.devices.at(0).path == "/dev/mine");
    BOOST_TEST(spec.os.resources.devices.back().access == "rw");
    host.devices = {{"/dev/nope", "", ""}};
    BOOST_TEST(failure() ==
               "error gathering device information while adding custom device \"/dev/nope\": no such file or directory");
    host.devices.clear();
    host.device_requests = {{.count = -1, .capabilities = {{"gpu"}}}};
    BOOST_TEST(failure() == "could not select device driver \"\" with capabilities: [[gpu]]");
}

BOOST_AUTO_TEST_CASE(limits_in_the_units_of_the_kernel) {
    host.memory = 100;
    host.memory_swap = 200;
    host.nano_cpus = 1'500'000'000;
    host.pids_limit = -1;
    const auto resources = build().os.resources;
    BOOST_TEST(resources.memory.limit.value() == 100);
    BOOST_TEST(resources.memory.swap.value() == 200);
    BOOST_TEST(resources.cpu.quota.value() == 150'000);
    BOOST_TEST(resources.cpu.period.value() == 100'000U);
    BOOST_TEST(resources.pids_limit.value() == -1);
}

BOOST_AUTO_TEST_CASE(security_options_reach_the_spec) {
    host.security_opt = {"seccomp=unconfined", "no-new-privileges", "systempaths=unconfined"};
    const auto spec = build();
    BOOST_TEST(!spec.os.seccomp.has_value());
    BOOST_TEST(spec.process.no_new_privileges);
    BOOST_TEST(spec.os.masked_paths.empty());
    host.security_opt = {"seccomp={"};
    BOOST_TEST(failure().starts_with("Decoding seccomp profile failed: "));
    host.security_opt = {"apparmor=x"};
    BOOST_TEST(failure() == "apparmor: config provided but apparmor not supported");
}

BOOST_AUTO_TEST_CASE(apparmor_profile_follows_options_and_host) {
    BOOST_TEST(build().process.apparmor_profile.empty());
    facts.apparmor = true;
    BOOST_TEST(build().process.apparmor_profile == "docker-default");
    BOOST_TEST(buildExecProcess(build(), {.args = {"x"}}).apparmor_profile == "docker-default");
    BOOST_TEST(buildExecProcess(build(), {.args = {"x"}, .privileged = true}).apparmor_profile == "unconfined");
    host.privileged = true;
    BOOST_TEST(build().process.apparmor_profile == "unconfined");
    host.security_opt = {"apparmor=mine"};
    BOOST_TEST(build().process.apparmor_profile == "mine");
}

BOOST_AUTO_TEST_CASE(cgroup_namespace_of_privileged_containers) {
    facts.cgroup_v2 = true;
    host.privileged = true;
    BOOST_TEST(namespaces(build()).find(" cgroup ") != std::string::npos);
    facts.cgroup_v2 = false;
    BOOST_TEST(namespaces(build()).find(" cgroup ") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(image_fills_what_the_user_left_open) {
    ContainerConfig image;
    image.env = {"PATH=/i", "B=2"};
    image.cmd = Strings{"i"};
    image.entrypoint = Strings{"/ie"};
    image.labels = {{"l", "image"}, {"m", "image"}};
    ContainerConfig mine;
    mine.env = {"B=3"};
    mine.labels = {{"l", "mine"}};
    mergeImageConfig(mine, image);
    BOOST_TEST(mine.env == (Strings{"B=3", "PATH=/i"}), boost::test_tools::per_element());
    BOOST_TEST(mine.cmd->at(0) == "i");
    BOOST_TEST(mine.entrypoint->at(0) == "/ie");
    BOOST_TEST(mine.labels.at("l") == "mine");
    ContainerConfig other;
    other.entrypoint = Strings{""};
    mergeImageConfig(other, image);
    BOOST_TEST(!other.entrypoint.has_value());
}

BOOST_AUTO_TEST_CASE(exec_inherits_and_overrides) {
    const auto spec = build();
    const auto process = buildExecProcess(
        spec, {.args = {"sh"}, .env = {"A=2"}, .user = "1000", .working_dir = "/w", .tty = true, .privileged = false});
    BOOST_TEST(process.user.username == "1000");
    BOOST_TEST(process.cwd == "/w");
    BOOST_TEST(has(process.env, "TERM=xterm"));
    BOOST_TEST(linux::capabilityMask(process.capabilities->bounding) == 0xa80425fbU);
    BOOST_TEST(buildExecProcess(spec, {.args = {"sh"}, .privileged = true}).capabilities->bounding.size() > 14U);
}

BOOST_AUTO_TEST_SUITE_END()
