#include "plugin/foreign_server.hpp"

#include <boost/test/unit_test.hpp>
#include <thread>

#include "garbage_server.hpp"
#include "plugin_fixtures.hpp"

using namespace davit;
using namespace davit::plugin;
using namespace davit::plugin::test;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    TempDir dir;
    std::filesystem::path socket = dir.path() / "s.sock";
    ForeignServer server{{.name = "s", .file = socket}};

    Error callError() {
        return errorOf([&] { (void)server.call({.method = "VolumeDriver.List", .request = "{}", .timeout = 300ms}); });
    }
    DriverState state() const { return server.describe().front().state; }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(foreign_server, Fixture)

BOOST_AUTO_TEST_CASE(failures_on_the_way_make_it_suspect_then_dead_and_an_answer_alive) {
    BOOST_TEST((state() == DriverState::unknown));
    BOOST_TEST((callError().code() == Code::unavailable));
    BOOST_TEST((state() == DriverState::suspect));
    (void)callError();
    BOOST_TEST((state() == DriverState::dead));
    const GarbageServer real(socket, GarbageServer::always(GarbageServer::response(500, "no")));
    BOOST_TEST((callError().code() == Code::system));
    BOOST_TEST((state() == DriverState::active));
}

BOOST_AUTO_TEST_CASE(a_server_that_starts_a_little_late_costs_a_pause_only) {
    std::unique_ptr<GarbageServer> late;
    std::thread starter([&] {
        std::this_thread::sleep_for(500ms);
        late = std::make_unique<GarbageServer>(socket, GarbageServer::always(GarbageServer::response(200, "{}")));
    });
    // A list is asked of all servers at once, and doesn't wait for one.
    const Error failure = errorOf([&] { (void)server.call({.method = "VolumeDriver.List", .request = "{}", .timeout = 5s}); });
    const std::string reply = server.call({.method = "VolumeDriver.Get", .request = "{}", .timeout = 5s});
    starter.join();
    BOOST_TEST((failure.code() == Code::unavailable));
    BOOST_TEST(reply == "{}");
}

BOOST_AUTO_TEST_CASE(a_dead_server_gets_one_attempt) {
    (void)callError();
    (void)callError();
    std::unique_ptr<GarbageServer> late;  // whom a second attempt would find
    std::thread starter([&] {
        std::this_thread::sleep_for(500ms);
        late = std::make_unique<GarbageServer>(socket, GarbageServer::always(GarbageServer::response(200, "{}")));
    });
    const Error failure = errorOf([&] { (void)server.call({.method = "VolumeDriver.Get", .request = "{}", .timeout = 30s}); });
    starter.join();
    BOOST_TEST((failure.code() == Code::unavailable));
}

BOOST_AUTO_TEST_CASE(activation_is_asked_once) {
    const GarbageServer real(socket, GarbageServer::always(GarbageServer::response(
                                         200, R"({"Implements":["VolumeDriver","LogDriver","IpamDriver"]})")));
    server.activate(1s);
    server.activate(1s);
    BOOST_TEST(real.requests().size() == 1U);
    BOOST_TEST(server.implements(DriverKind::volume));
    BOOST_TEST(server.implements(DriverKind::ipam));
    BOOST_TEST(!server.implements(DriverKind::network));
    BOOST_TEST(server.describe().size() == 2U);
}

BOOST_AUTO_TEST_CASE(answers_without_sense_dont_activate) {
    for (const char* body : {"{}", "[]", "{\"Implements\":[]}", "{\"Implements\":\"VolumeDriver\"}", "garbage"}) {
        const GarbageServer real(socket, GarbageServer::always(GarbageServer::response(200, body)));
        BOOST_CHECK_THROW(server.activate(1s), Error);
    }
    BOOST_TEST(server.interfaces().empty());
}

BOOST_AUTO_TEST_SUITE_END()
