#include "managed/plugin_config.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::managed;

namespace {

constexpr const char* kWhole = R"({
  "Description": "d", "documentation": "u", "entrypoint": ["/bin/x", "-v"], "workdir": "/w",
  "interface": {"types": ["docker.volumedriver/1.0", "docker.networkdriver/1.0", "acme.volumedriver/1.0"], "socket": "x.sock"},
  "network": {"type": "host"}, "ipchost": true, "pidhost": true, "propagatedMount": "/data", "user": {"uid": 3, "gid": 4},
  "env": [{"name": "E", "description": "e", "value": "1", "settable": ["value"]}],
  "mounts": [{"name": "m", "source": "/s", "destination": "/d", "type": "bind", "options": ["rbind"], "settable": ["source"]}],
  "args": {"name": "a", "value": ["1", "2"], "settable": ["value"]},
  "linux": {"capabilities": ["CAP_SYS_ADMIN"], "allowAllDevices": true, "devices": [{"name": "v", "path": "/dev/null"}]}
})";

void refused(const std::string& text, const std::string& why) {
    BOOST_TEST_CONTEXT(text) {
        BOOST_CHECK_EXCEPTION((void)parseConfig(text), Error, [&](const Error& e) {
            BOOST_TEST(e.text().find(why) != std::string::npos, e.text());
            return e.code() == Code::invalid;
        });
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plugin_config)

BOOST_AUTO_TEST_CASE(everything_is_read) {
    const PluginConfig config = parseConfig(kWhole);
    BOOST_TEST(config.description == "d");
    BOOST_TEST(config.documentation == "u");
    BOOST_TEST(config.entrypoint == (Strings{"/bin/x", "-v"}), boost::test_tools::per_element());
    BOOST_TEST(config.work_dir == "/w");
    BOOST_TEST(config.socket == "x.sock");
    BOOST_TEST(config.network == "host");
    BOOST_TEST(config.ipc_host);
    BOOST_TEST(config.pid_host);
    BOOST_TEST(config.propagated_mount == "/data");
    BOOST_TEST(config.uid == 3);
    BOOST_TEST(config.gid == 4);
    BOOST_TEST(config.env.at(0).name == "E");
    BOOST_TEST(config.env.at(0).value == "1");
    BOOST_TEST(config.mounts.at(0).source == "/s");
    BOOST_TEST(config.mounts.at(0).options.at(0) == "rbind");
    BOOST_TEST(config.args.value.size() == 2U);
    BOOST_TEST(config.capabilities.at(0) == "CAP_SYS_ADMIN");
    BOOST_TEST(config.allow_all_devices);
    BOOST_TEST(config.devices.at(0).path == "/dev/null");
}

BOOST_AUTO_TEST_CASE(slashes_behind_the_propagated_mount_mean_nothing) {
    BOOST_TEST(parseConfig(R"({"entrypoint": ["/x"], "interface": {"socket": "x"}, "propagatedMount": "/data//"})").propagated_mount == "/data");
}

BOOST_AUTO_TEST_CASE(types_of_other_vendors_stand_for_no_interface) {
    const PluginConfig config = parseConfig(kWhole);
    BOOST_TEST(config.interfaces() == (Strings{"VolumeDriver", "NetworkDriver"}), boost::test_tools::per_element());
    BOOST_TEST(config.offers("networkdriver"));
    BOOST_TEST(!config.offers("ipamdriver"));
}

BOOST_AUTO_TEST_CASE(what_is_shown_reads_back) {
    json::Writer out;
    writeConfig(out, parseConfig(kWhole));
    const std::string shown = out.take();
    json::Writer again;
    writeConfig(again, parseConfig(shown));
    BOOST_TEST(again.take() == shown);
    BOOST_TEST(shown.find(R"("User":{"GID":4,"UID":3})") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_in_words) {
    refused("{", "invalid plugin config: ");
    refused("[]", "invalid plugin config: ");
    refused(R"({"interface": {"socket": "x"}})", "no entrypoint");
    for (const char* socket : {"", ".", "..", "a/b", "../x"})
        refused(R"({"entrypoint": ["/x"], "interface": {"socket": ")" + std::string(socket) + "\"}}", "is no file name");
    for (const char* place : {"data", "../x", "/a/../b", "/..", "/", "//"})
        refused(R"({"entrypoint": ["/x"], "interface": {"socket": "x"}, "propagatedMount": ")" + std::string(place) + "\"}", "no absolute path");
    refused(R"({"entrypoint": ["/x"], "interface": {"socket": "x"}, "mounts": [{"destination": "/../etc"}]})", "no absolute path");
    refused(std::string(100, '[') + std::string(100, ']'), "invalid plugin config: ");
}

BOOST_AUTO_TEST_SUITE_END()
