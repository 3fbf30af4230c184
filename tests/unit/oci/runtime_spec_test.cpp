#include "oci/runtime_spec.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::oci;

namespace {

/// Every kind of member once, in the order and the form in which it is written.
const std::string kWhole =
    R"({"ociVersion":"1.2.0","process":{"terminal":true,"consoleSize":{"height":24,"width":80},)"
    R"("user":{"uid":1000,"gid":100,"umask":18,"additionalGids":[5,27]},"args":["sh","-c","echo \"ü\""],)"
    R"("env":["A=1","EMPTY="],"cwd":"/home","capabilities":{"bounding":["CAP_CHOWN"],"permitted":["CAP_KILL"]},)"
    R"("rlimits":[{"type":"RLIMIT_NOFILE","hard":18446744073709551615,"soft":0}],"noNewPrivileges":true,"oomScoreAdj":-500},)"
    R"("root":{"path":"/rootfs","readonly":true},"hostname":"h","mounts":[{"destination":"/proc","type":"proc",)"
    R"("source":"proc","options":["nosuid"],"uidMappings":[{"hostID":100000,"size":65536}]}],"annotations":{"a":"b"},)"
    R"("hooks":{"prestart":[{"path":"/bin/hook","args":["hook","x"],"timeout":3}]},"linux":{"namespaces":[{"type":"pid"},)"
    R"({"type":"network","path":"/run/netns/x"}],"devices":[{"path":"/dev/null","type":"c","major":1,"minor":3,)"
    R"("fileMode":438,"uid":0}],"cgroupsPath":"/davit/x","resources":{"devices":[{"allow":false,"access":"rwm"},)"
    R"({"allow":true,"type":"c","major":1,"minor":0,"access":"rw"}],"memory":{"limit":1048576,"swap":-1,"swappiness":0,)"
    R"("disableOOMKiller":false},"cpu":{"shares":512,"cpus":"0-1"},"pids":{"limit":0},"blockIO":{"weight":500,)"
    R"("weightDevice":[{"major":8,"minor":0,"weight":300}],"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":1024}]},)"
    R"("unified":{"memory.high":"1"}},"rootfsPropagation":"rslave","seccomp":{"defaultAction":"SCMP_ACT_ERRNO",)"
    R"("defaultErrnoRet":38,"syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":0,)"
    R"("op":"SCMP_CMP_EQ"}]}]},"sysctl":{"net.ipv4.ip_forward":"1"},"maskedPaths":["/proc/kcore"],"mountLabel":"l"}})";

bool isInvalid(const Error& failure) { return failure.code() == Code::invalid; }

std::string withUid(const std::string& uid) {
    return R"({"ociVersion":"1.0.2","process":{"user":{"uid":)" + uid + R"(,"gid":0}}})";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(runtime_spec)

BOOST_AUTO_TEST_CASE(what_is_read_is_written_the_same) { BOOST_TEST(writeRuntimeSpec(parseRuntimeSpec(kWhole)) == kWhole); }

BOOST_AUTO_TEST_CASE(values_arrive_in_their_members) {
    const RuntimeSpec spec = parseRuntimeSpec(kWhole);
    BOOST_TEST(spec.process.args.at(2) == "echo \"ü\"");
    BOOST_TEST(spec.process.rlimits.at(0).hard == ~std::uint64_t{0});
    BOOST_TEST(spec.process.oom_score_adj.value() == -500);
    BOOST_TEST(spec.root.readonly);
    BOOST_TEST(spec.mounts.at(0).uid_mappings.at(0).host_id == 100000U);
    BOOST_TEST(spec.os.namespaces.at(1).path == "/run/netns/x");
    BOOST_TEST(spec.os.devices.at(0).file_mode.value() == 0666U);
    BOOST_TEST(!spec.os.devices.at(0).gid.has_value());
    BOOST_TEST(spec.os.resources.block_io.weight_device.at(0).value == 300U);
    BOOST_TEST(spec.os.resources.block_io.throttle_read_bps.at(0).value == 1024U);
    BOOST_TEST(spec.os.seccomp->syscalls.at(0).args.at(0).op == "SCMP_CMP_EQ");
}

BOOST_AUTO_TEST_CASE(zero_and_absent_are_different_where_it_matters) {
    const Resources resources = parseRuntimeSpec(kWhole).os.resources;
    BOOST_TEST(resources.pids_limit.value() == 0);
    BOOST_TEST(resources.memory.swappiness.value() == 0U);
    BOOST_TEST(!resources.memory.disable_oom_killer.value());
    BOOST_TEST(!resources.memory.reservation.has_value());
    BOOST_TEST(resources.devices.at(1).minor.value() == 0);
    BOOST_TEST(!resources.devices.at(0).minor.has_value());
    const RuntimeSpec least = parseRuntimeSpec(R"({"ociVersion":"1.0.2"})");
    BOOST_TEST(!least.os.resources.pids_limit.has_value());
    BOOST_TEST(!least.process.capabilities.has_value());
    BOOST_TEST(!least.os.seccomp.has_value());
    BOOST_TEST(least.process.cwd == "/");
}

BOOST_AUTO_TEST_CASE(unknown_members_are_ignored) {
    const RuntimeSpec spec = parseRuntimeSpec(R"({"ociVersion":"1.0.2","windows":{"x":1},"linux":{"intelRdt":{}},"hostname":"h"})");
    BOOST_TEST(spec.hostname == "h");
}

BOOST_AUTO_TEST_CASE(what_is_no_specification_is_refused) {
    for (const char* bad : {"", "{", "{}", "[]", R"({"ociVersion":"1.0.2","hostname":1})",
                            R"({"ociVersion":"1.0.2","process":{"args":"sh"}})", R"({"ociVersion":"1.0.2","mounts":{}})"})
        BOOST_CHECK_EXCEPTION((void)parseRuntimeSpec(bad), Error, isInvalid);
}

BOOST_AUTO_TEST_CASE(numbers_beyond_their_member_are_refused) {
    BOOST_TEST(parseRuntimeSpec(withUid("4294967295")).process.user.uid == 4294967295U);
    for (const char* bad : {"4294967296", "-1", "1.5", "\"0\"", "18446744073709551616"})
        BOOST_CHECK_EXCEPTION((void)parseRuntimeSpec(withUid(bad)), Error, isInvalid);
}

BOOST_AUTO_TEST_CASE(a_process_alone) {
    const std::string text = R"({"user":{"uid":0,"gid":0,"username":"user:group"},"args":["id"],"cwd":"/"})";
    BOOST_TEST(writeProcess(parseProcess(text)) == text);
    BOOST_TEST(parseProcess(text).user.username == "user:group");
}

BOOST_AUTO_TEST_SUITE_END()
