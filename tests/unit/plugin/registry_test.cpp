#include "plugin/registry.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <thread>

#include "garbage_server.hpp"
#include "plugin_fixtures.hpp"

using namespace davit;
using namespace davit::plugin;
using namespace davit::plugin::test;
using namespace std::chrono_literals;

namespace {

std::optional<DriverInfo> find(const DriverRegistry& registry, const std::string& name) {
    for (const DriverInfo& info : registry.list())
        if (info.name == name) return info;
    return std::nullopt;
}

GarbageServer::Script volumeServer() {
    return [](const std::string& request, int connection) {
        const bool activate = request.starts_with("POST /Plugin.Activate");
        return GarbageServer::always(GarbageServer::response(
            200, activate ? R"({"Implements":["VolumeDriver"]})" : R"({"Mountpoint":"/from/server"})"))(request, connection);
    };
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(registry, Places)

BOOST_AUTO_TEST_CASE(own_drivers_run_in_process_and_others_in_their_own) {
    install("rude", own / "rude.so");
    DriverRegistry registry(options());
    BOOST_TEST((find(registry, "rude")->state == DriverState::available));
    BOOST_TEST(registry.volume("rude")->mount("x", "1") == "/mnt/x");
    BOOST_TEST((find(registry, "rude")->state == DriverState::loaded));
    BOOST_TEST(find(registry, "rude")->transport == "in-process");
    std::filesystem::rename(own / "rude.so", foreign / "rude.so");
    registry.rescan();
    BOOST_TEST(registry.volume("rude")->mount("x", "1") == "/mnt/x");
    BOOST_TEST(find(registry, "rude")->transport.starts_with("unix://" + run.native()));
    BOOST_TEST((find(registry, "rude")->isolation == Isolation::own_process));
}

BOOST_AUTO_TEST_CASE(the_configuration_decides_isolation_and_reaches_the_driver) {
    install("rude", own / "rude.so");
    RegistryOptions with = options();
    with.sections["rude"] = {.isolation = Isolation::own_process, .config_json = R"({"Refuse":"host"})"};
    DriverRegistry registry(with);
    BOOST_TEST((errorOf([&] { (void)registry.volume("rude"); }).code() == Code::unimplemented));
    BOOST_TEST((find(registry, "rude")->state == DriverState::skipped));
    BOOST_TEST(find(registry, "rude")->reason == "rude: not for this host: no unicorns");
}

BOOST_AUTO_TEST_CASE(a_crash_costs_one_call) {
    install("rude", foreign / "rude.so");
    DriverRegistry registry(options());
    const auto driver = registry.volume("rude");
    BOOST_TEST((errorOf([&] { driver->create("crash", {}); }).code() == Code::unavailable));
    const auto begin = std::chrono::steady_clock::now();
    BOOST_TEST(driver->mount("x", "1") == "/mnt/x");
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 1s));
}

BOOST_AUTO_TEST_CASE(broken_plugins_are_listed_with_their_reason_and_harm_nobody) {
    for (const char* name : {"broken_crash", "broken_major", "broken_symbol"}) install(name, own / (std::string(name) + ".so"));
    install("rude", own / "rude.so");
    std::ofstream(own / "text.so") << "text";
    DriverRegistry registry(options());
    BOOST_TEST(registry.volume("rude")->path("x") == "/mnt/x");
    for (const char* name : {"broken_crash", "broken_major", "broken_symbol", "text"}) {
        const auto info = find(registry, name);
        BOOST_REQUIRE(info.has_value());
        BOOST_TEST((info->state == DriverState::failed));
        BOOST_TEST(!info->reason.empty());
    }
    BOOST_TEST(registry.names(DriverKind::volume) == std::vector<std::string>{"rude"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_newer_file_is_a_new_generation_and_old_handles_keep_the_old) {
    install("rude", own / "rude.so");
    DriverRegistry registry(options());
    const auto old_handle = registry.volume("rude");
    install("rude2", own / "rude.so");
    BOOST_TEST(eventually([&] { return registry.volume("rude")->get("x")->status_json == R"({"Version":"2.0"})"; }));
    BOOST_TEST(old_handle->get("x")->status_json == R"({"Version":"1.0"})");
    BOOST_TEST(find(registry, "rude")->generation == 2);
}

BOOST_AUTO_TEST_CASE(a_removed_file_is_noticed) {
    install("rude", own / "rude.so");
    DriverRegistry registry(options());
    const auto handle = registry.volume("rude");
    std::filesystem::remove(own / "rude.so");
    BOOST_TEST(eventually([&] { return !find(registry, "rude").has_value(); }));
    BOOST_TEST((errorOf([&] { (void)registry.volume("rude"); }).code() == Code::not_found));
    BOOST_TEST(handle->path("x") == "/mnt/x");
}

BOOST_AUTO_TEST_CASE(a_second_file_with_the_same_driver_is_hidden) {
    install("rude", own / "rude.so");
    install("rude2", foreign / "rude.so");
    DriverRegistry registry(options());
    BOOST_TEST(registry.volume("rude")->get("x")->status_json == R"({"Version":"1.0"})");
    bool hidden = false;
    for (const DriverInfo& info : registry.list())
        hidden = hidden || (info.state == DriverState::skipped && info.reason == "hidden by " + (own / "rude.so").native());
    BOOST_TEST(hidden);
}

BOOST_AUTO_TEST_CASE(servers_are_found_by_name_and_listed_by_what_they_implement) {
    const GarbageServer server(sockets / "srv.sock", volumeServer());
    DriverRegistry registry(options());
    BOOST_TEST(registry.volume("srv")->mount("x", "1") == "/from/server");
    BOOST_TEST((find(registry, "srv")->state == DriverState::active));
    BOOST_TEST(errorOf([&] { (void)registry.network("srv"); }).text() == "plugin \"srv\" does not implement NetworkDriver");
    BOOST_TEST(errorOf([&] { (void)registry.volume("nope"); }).text() == "plugin \"nope\" not found");
}

BOOST_AUTO_TEST_CASE(a_server_that_starts_late_is_waited_for) {
    RegistryOptions patient = options();
    patient.appear_timeout = 10s;
    DriverRegistry registry(patient);
    std::unique_ptr<GarbageServer> server;
    std::thread starter([&] {
        std::this_thread::sleep_for(100ms);
        server = std::make_unique<GarbageServer>(sockets / "late.sock", volumeServer());
    });
    const auto begin = std::chrono::steady_clock::now();
    BOOST_TEST(registry.volume("late")->mount("x", "1") == "/from/server");
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 3s));
    starter.join();
}

BOOST_AUTO_TEST_CASE(what_nobody_has_heard_of_is_not_waited_for_long) {
    RegistryOptions patient = options();
    patient.appear_timeout = 1h;
    patient.unknown_timeout = 10ms;
    DriverRegistry registry(patient);
    BOOST_TEST(errorOf([&] { (void)registry.network("nope"); }).text() == "plugin \"nope\" not found");
    registry.expect("late");
    std::unique_ptr<GarbageServer> server;
    std::thread starter([&] {
        std::this_thread::sleep_for(100ms);
        server = std::make_unique<GarbageServer>(sockets / "late.sock", volumeServer());
    });
    BOOST_TEST(registry.volume("late")->mount("x", "1") == "/from/server");
    starter.join();
}

BOOST_AUTO_TEST_CASE(dead_and_hung_servers_dont_delay_an_enumeration) {
    const GarbageServer hung(sockets / "hung.sock", [](const std::string&, int) { return true; });
    const GarbageServer good(sockets / "good.sock", volumeServer());
    for (const char* name : {"dead1", "dead2", "dead3"}) std::ofstream(specs / (std::string(name) + ".spec")) << "unix:///no/such";
    RegistryOptions quick = options();
    quick.enumerate_timeout = 500ms;
    DriverRegistry registry(quick);
    for (int i = 0; i < 3; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        BOOST_TEST(registry.names(DriverKind::volume) == std::vector<std::string>{"good"}, boost::test_tools::per_element());
        BOOST_TEST((std::chrono::steady_clock::now() - begin < 1s));
    }
    const auto begin = std::chrono::steady_clock::now();
    (void)registry.names(DriverKind::volume);
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 50ms));
    BOOST_TEST((find(registry, "hung")->state == DriverState::dead));
}

BOOST_AUTO_TEST_CASE(an_in_process_call_is_fast) {
    install("rude", own / "rude.so");
    DriverRegistry registry(options());
    const auto driver = registry.volume("rude");
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 10000; ++i) (void)driver->path("a-volume-of-usual-length");
    const auto each = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() / 10000;
    BOOST_TEST_MESSAGE("one in-process call: " << each << " us");
    BOOST_TEST(each < 100.0);  // 1-2 us in a release build; sanitizers and debug builds are slower
}

BOOST_AUTO_TEST_SUITE_END()
