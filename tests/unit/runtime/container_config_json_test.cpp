#include "runtime/container_config_json.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit;
using namespace davit::runtime;

namespace {

// One of everything, as a client sends it.
constexpr std::string_view kHostConfig = R"({
  "Binds":["/a:/b:ro"],"ContainerIDFile":"c","LogConfig":{"Type":"json-file","Config":{"max-size":"1m"}},
  "NetworkMode":"host","PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]},
  "RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3},"AutoRemove":true,"VolumeDriver":"v","VolumesFrom":["x"],
  "Mounts":[{"Type":"bind","Source":"/s","Target":"/t","ReadOnly":true,"Consistency":"cached",
    "BindOptions":{"Propagation":"rslave","NonRecursive":true,"CreateMountpoint":true}},
   {"Type":"volume","Target":"/v","VolumeOptions":{"NoCopy":true,"Labels":{"l":"1"},"Subpath":"p",
     "DriverConfig":{"Name":"d","Options":{"o":"1"}}}},
   {"Type":"tmpfs","Target":"/m","TmpfsOptions":{"SizeBytes":5,"Mode":511,"Options":[["exec"],["a","b"]]}},
   {"Type":"image","Source":"i","Target":"/i","ImageOptions":{"Subpath":"q"}}],
  "ConsoleSize":[24,80],"Annotations":{"a":"b"},"CapAdd":["A"],"CapDrop":["B"],"CgroupnsMode":"private","Dns":["1.1.1.1"],
  "DnsOptions":["o"],"DnsSearch":["s"],"ExtraHosts":["h:1"],"GroupAdd":["5"],"IpcMode":"private","Cgroup":"","Links":["l"],
  "OomScoreAdj":5,"PidMode":"host","Privileged":true,"PublishAllPorts":true,"ReadonlyRootfs":true,
  "SecurityOpt":["no-new-privileges"],"StorageOpt":{"size":"1G"},"Tmpfs":{"/x":"size=1m"},"UTSMode":"host",
  "UsernsMode":"host","ShmSize":67108864,"Sysctls":{"net.x":"1"},"Runtime":"r","Isolation":"","MaskedPaths":[],
  "ReadonlyPaths":["/r"],"CpuShares":1,"Memory":2,"NanoCpus":3,"CgroupParent":"p","BlkioWeight":10,
  "BlkioWeightDevice":[{"Path":"/d","Weight":20}],"BlkioDeviceReadBps":[{"Path":"/d","Rate":1}],
  "BlkioDeviceWriteBps":[{"Path":"/d","Rate":2}],"BlkioDeviceReadIOps":[{"Path":"/d","Rate":3}],
  "BlkioDeviceWriteIOps":[{"Path":"/d","Rate":4}],"CpuPeriod":4,"CpuQuota":5,"CpuRealtimePeriod":6,"CpuRealtimeRuntime":7,
  "CpusetCpus":"0","CpusetMems":"0","Devices":[{"PathOnHost":"/h","PathInContainer":"/c","CgroupPermissions":"rwm"}],
  "DeviceCgroupRules":["c 1:1 rwm"],
  "DeviceRequests":[{"Driver":"","Count":-1,"DeviceIDs":["0"],"Capabilities":[["gpu"]],"Options":{}}],
  "KernelMemoryTCP":8,"MemoryReservation":9,"MemorySwap":10,"MemorySwappiness":11,"OomKillDisable":true,"PidsLimit":12,
  "Ulimits":[{"Name":"nofile","Hard":2,"Soft":1}],"CpuCount":0,"CpuPercent":0,"IOMaximumIOps":0,
  "IOMaximumBandwidth":0,"Init":true})";

constexpr std::string_view kConfig = R"({
  "Hostname":"h","Domainname":"d","User":"u","AttachStdin":true,"AttachStdout":true,"AttachStderr":true,
  "ExposedPorts":{"80/tcp":{}},"Tty":true,"OpenStdin":true,"StdinOnce":true,"Env":["A=1"],"Cmd":["sh"],
  "Healthcheck":{"Test":["CMD","x"],"Interval":1,"Timeout":2,"StartPeriod":3,"StartInterval":4,"Retries":5},
  "ArgsEscaped":true,"Image":"i","Volumes":{"/v":{}},"WorkingDir":"/w","Entrypoint":["/e"],"NetworkDisabled":true,
  "MacAddress":"02:00:00:00:00:01","OnBuild":["RUN x"],"Labels":{"l":"v"},"StopSignal":"SIGINT","StopTimeout":4,
  "Shell":["/bin/sh"]})";

// Every member of `sent` must be in `kept` with the same text.
void sameMembers(const json::Value& sent, const json::Value& kept) {
    for (const auto [name, value] : sent.object()) {
        BOOST_TEST_CONTEXT("member " << std::string(name)) {
            if (value.isObject())
                sameMembers(value, kept[name]);
            else if (value.isArray() && !value.array().empty() && (*value.array().begin()).isObject())
                BOOST_TEST(kept[name].array().size() == value.array().size());
            else
                BOOST_TEST(kept[name].text() == value.text());
        }
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(container_config_json)

BOOST_AUTO_TEST_CASE(host_config_comes_back_whole) {
    const auto sent = json::Document::parse(kHostConfig);
    const std::string once = toJson(readHostConfig(sent.root()));
    const auto kept = json::Document::parse(once);
    sameMembers(sent.root(), kept.root());
    BOOST_TEST(toJson(readHostConfig(kept.root())) == once);
}

BOOST_AUTO_TEST_CASE(container_config_comes_back_whole) {
    const auto sent = json::Document::parse(kConfig);
    const std::string once = toJson(readContainerConfig(sent.root()));
    const auto kept = json::Document::parse(once);
    sameMembers(sent.root(), kept.root());
    BOOST_TEST(toJson(readContainerConfig(kept.root())) == once);
}

BOOST_AUTO_TEST_CASE(nulls_and_nothing_are_zero_values) {
    const auto empty = json::Document::parse(R"({"Cmd":null,"Env":null,"Labels":null,"Init":null,"MaskedPaths":null})");
    BOOST_TEST(!readContainerConfig(empty.root()).cmd.has_value());
    BOOST_TEST(!readHostConfig(empty.root()).init.has_value());
    BOOST_TEST(!readHostConfig(empty.root()).masked_paths.has_value());
}

BOOST_AUTO_TEST_CASE(a_command_may_be_one_string) {
    const auto document = json::Document::parse(R"({"Cmd":"sh","Entrypoint":[]})");
    const auto config = readContainerConfig(document.root());
    BOOST_TEST(config.cmd.value().at(0) == "sh");
    BOOST_TEST(config.entrypoint.value().empty());
}

BOOST_AUTO_TEST_CASE(wrong_types_are_refused) {
    for (const auto* text : {R"({"Memory":"1"})", R"({"Binds":{}})", R"({"Privileged":1})", R"({"BlkioWeight":70000})"}) {
        const auto document = json::Document::parse(text);
        BOOST_CHECK_THROW((void)readHostConfig(document.root()), davit::Error);
    }
}

BOOST_AUTO_TEST_SUITE_END()
