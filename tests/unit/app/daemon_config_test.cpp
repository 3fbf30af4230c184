#include "app/daemon_config.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "base/file.hpp"

using namespace davit;
using namespace davit::app;

namespace {

DaemonConfig flags(const std::vector<std::string>& arguments) {
    std::string help;
    return readFlags(arguments, help);
}

/// "line: reason" of each fault.
std::vector<std::string> faults(std::string_view text, DaemonConfig config = flags({})) {
    std::vector<std::string> found;
    for (const ConfigFault& fault : applyFile(text, config))
        found.push_back(std::to_string(fault.line) + ": " + fault.reason);
    return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(daemon_config_suite)

BOOST_AUTO_TEST_CASE(flags_are_dockers) {
    const DaemonConfig config =
        flags({"-H", "unix:///a", "--host=tcp://127.0.0.1:1", "-D", "--data-root", "/d/", "--storage-opt", "a=1",
               "--storage-opt", "b=2", "-l", "warn", "--tlsverify", "-G", "g", "--live-restore=false"});
    BOOST_TEST(config.hosts == (std::vector<std::string>{"unix:///a", "tcp://127.0.0.1:1"}));
    BOOST_TEST(config.engine.debug);
    BOOST_TEST(config.engine.data_root == "/d/");
    BOOST_TEST(config.storage_opts.size() == 2);
    BOOST_TEST(config.log_level == "warn");
    BOOST_TEST(config.tls_verify);
    BOOST_TEST(config.group == "g");
    BOOST_TEST(!config.engine.live_restore);
    BOOST_TEST(config.engine.exec_root == "/run/davit");
}

BOOST_AUTO_TEST_CASE(bad_flags_are_refused) {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"--nonsense"}, {"--data-root", "relative"}, {"--shutdown-timeout", "x"}, {"surplus"},
          {"--log-opt", "novalue"}, {"-l", "loud"}})
        BOOST_CHECK_THROW((void)flags(arguments), Error);
    std::string help;
    (void)readFlags({"--help"}, help);
    BOOST_TEST(help.find("--data-root") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_file_sets_what_dockers_sets) {
    DaemonConfig config = flags({});
    const auto found = applyFile(R"({
        "hosts": ["unix:///x"], "data-root": "/srv", "debug": true, "labels": ["a=b"],
        "log-opts": {"max-size": "1m"}, "shutdown-timeout": 3, "init": true, "live-restore": false,
        "runtimes": {"runc": {"path": "/usr/bin/runc", "runtimeArgs": ["--debug"]}}, "default-runtime": "runc", "default-shm-size": "128M",
        "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 100, "Hard": 200}},
        "plugin-directories": ["/opt/d"], "isolation": "process",
        "drivers": {"volume": {"nfs": {"isolation": "in-process", "server": "s"}}},
        "registry-mirrors": []})", config);
    BOOST_TEST(found.empty());
    BOOST_TEST(checkConfig(config).empty());
    BOOST_TEST(config.engine.data_root == "/srv");
    BOOST_TEST(config.engine.debug);
    BOOST_TEST(config.engine.shutdown_timeout_s == 3);
    BOOST_TEST(config.engine.runtimes.at("runc").path == "/usr/bin/runc");
    BOOST_TEST(config.engine.runtimes.at("runc").args == std::vector<std::string>{"--debug"}, boost::test_tools::per_element());
    BOOST_TEST(config.engine.default_shm_size == 128 << 20);
    BOOST_TEST(config.engine.default_ulimits.at("nofile").hard == 200);
    BOOST_TEST(config.engine.log_opts.at("max-size") == "1m");
    BOOST_TEST((config.driver_sections.at("nfs").isolation == plugin::Isolation::in_process));
    BOOST_TEST(config.driver_sections.at("nfs").config_json.find("server") != std::string::npos);
    BOOST_TEST(config.without_effect == std::vector<std::string>{"registry-mirrors"});
}

BOOST_AUTO_TEST_CASE(every_fault_has_its_line) {
    BOOST_TEST(faults("{\n \"debug\": true,\n \"nonsense\": 1,\n \"data-root\": \"x\",\n \"hosts\": 3\n}").size() == 3);
    BOOST_TEST(faults("{\n\"nonsense\": 1}").at(0) ==
               "2: the following directives don't match any configuration option: nonsense");
    BOOST_TEST(faults("{\n\n\"data-root\": \"x\"}").at(0) == "3: data-root: not an absolute path: x");
    BOOST_TEST(faults("{\n\"debug\": true\n\"init\": true}").at(0).starts_with("3: invalid JSON"));
    BOOST_TEST(faults("[]").at(0) == "1: the configuration is no JSON object");
    BOOST_TEST(faults("{\"bridge\":\"longer-than-an-interface\"}").size() == 1);
    BOOST_TEST(faults("{\"bridge\":\"br0\"}").empty());
}

BOOST_AUTO_TEST_CASE(a_flag_and_the_file_do_not_both_decide) {
    BOOST_TEST(faults("{\"debug\": true}", flags({"-D"})).at(0) ==
               "1: the following directives are specified both as a flag and in the configuration file: debug");
}

BOOST_AUTO_TEST_CASE(the_whole_is_checked) {
    DaemonConfig config = flags({"--default-runtime", "nope", "--log-driver", "nolog"});
    BOOST_TEST(checkConfig(config).size() == 2);
}

BOOST_AUTO_TEST_CASE(only_a_named_file_has_to_exist) {
    const TempDir directory;
    const std::string path = directory.path() / "none.json";
    DaemonConfig named = flags({"--config-file", path});
    BOOST_TEST(applyConfigFile(named).at(0).reason == "open " + path + ": no such file or directory");
    DaemonConfig unnamed = flags({});
    unnamed.config_file = path;
    BOOST_TEST(applyConfigFile(unnamed).empty());
}

BOOST_AUTO_TEST_SUITE_END()
