#include "plugin/host_process.hpp"

#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <thread>

#include "plugin_fixtures.hpp"

using namespace davit;
using namespace davit::plugin;
using namespace davit::plugin::test;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    TempDir dir;
    HostProcessOptions options(const std::string& config = "{}", const std::string& plugin = "rude") const {
        return {.host_binary = hostBinary(),
                .file = fixture(plugin),
                .socket = dir.path() / "p.sock",
                .driver = plugin == "rude" ? "rude" : "broken",
                .config_json = config,
                .log = {}};
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(host_process, Fixture)

BOOST_AUTO_TEST_CASE(it_is_ready_when_the_driver_is_open) {
    HostProcess process(options());
    process.waitReady(10s);
    BOOST_TEST((process.state() == DriverState::loaded));
    BOOST_TEST(std::filesystem::is_socket(process.socket()));
}

BOOST_AUTO_TEST_CASE(a_killed_process_comes_back_as_another) {
    HostProcess process(options());
    process.waitReady(10s);
    const pid_t first = process.pid().value();
    ::kill(first, SIGKILL);
    BOOST_TEST(eventually([&] { return process.state() == DriverState::dead; }));
    BOOST_TEST(process.reason().find("Killed") != std::string::npos);
    process.waitReady(2s);
    BOOST_TEST(process.pid().value() != first);
}

BOOST_AUTO_TEST_CASE(the_drivers_refusal_is_told_and_not_repeated) {
    HostProcess unsuitable(options(R"({"Refuse":"host"})"));
    Error e = errorOf([&] { unsuitable.waitReady(10s); });
    BOOST_TEST((e.code() == Code::unimplemented));
    BOOST_TEST(e.text() == "rude: not for this host: no unicorns");
    BOOST_TEST((unsuitable.state() == DriverState::skipped));
    HostProcess misconfigured(options(R"({"Colour":"red"})"));
    e = errorOf([&] { misconfigured.waitReady(10s); });
    BOOST_TEST(e.text() == "unknown configuration member \"Colour\"");
    BOOST_TEST((misconfigured.state() == DriverState::failed));
}

BOOST_AUTO_TEST_CASE(a_plugin_that_crashes_while_loading_is_unavailable_with_the_reason) {
    HostProcess process(options("{}", "broken_crash"));
    const Error e = errorOf([&] { process.waitReady(500ms); });
    BOOST_TEST((e.code() == Code::unavailable));
    BOOST_TEST(e.text().find("signal 11") != std::string::npos, e.text());
}

BOOST_AUTO_TEST_CASE(the_process_ends_with_its_owner) {
    pid_t pid = 0;
    {
        HostProcess process(options());
        process.waitReady(10s);
        pid = process.pid().value();
    }
    BOOST_TEST(::kill(pid, 0) == -1);
    BOOST_TEST(!std::filesystem::exists(dir.path() / "p.sock"));
}

BOOST_AUTO_TEST_SUITE_END()
