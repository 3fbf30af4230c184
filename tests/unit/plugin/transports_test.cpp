// The same driver through a function call and through HTTP: every result must be the same.
#include <boost/test/unit_test.hpp>
#include <sstream>
#include <thread>

#include "http/listener.hpp"
#include "plugin/driver_server.hpp"
#include "plugin/http_transport.hpp"
#include "plugin/loader.hpp"
#include "plugin/remote_volume_driver.hpp"
#include "plugin_fixtures.hpp"

using namespace davit;
using namespace davit::plugin;
using namespace davit::plugin::test;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    TempDir dir;
    std::filesystem::path socket = dir.path() / "s.sock";
    DriverServer served{{.file = fixture("rude"), .driver = {}}};
    http::Server server{{.handler = [this](http::Exchange exchange) { served.serve(std::move(exchange)); }, .log = {}}};
    std::shared_ptr<Transport> local =
        std::make_shared<InProcessTransport>(**loadPlugin(fixture("rude")).drivers, OpenOptions{});
    std::shared_ptr<Transport> remote = std::make_shared<HttpTransport>(unixAddress(socket));

    Fixture() {
        server.listen(http::listenUnix({.path = socket}));
        server.start();
    }

    // What a call comes to, as one text.
    template <class F>
    static std::string outcome(Transport& transport, F&& f) {
        RemoteVolumeDriver driver(std::shared_ptr<Transport>(std::shared_ptr<void>(), &transport));
        try {
            return f(driver);
        } catch (const Error& e) {
            return "error " + std::to_string(static_cast<int>(e.code())) + " " + std::to_string(e.sysErrno()) + " " + e.text();
        }
    }
    template <class F>
    std::string both(F&& f) {
        const std::string first = outcome(*local, f);
        BOOST_TEST(first == outcome(*remote, f));
        return first;
    }
};

struct Sink final : ByteSink {
    std::string text;
    void write(std::span<const std::byte> data) override {
        text.append(reinterpret_cast<const char*>(data.data()), data.size());
    }
};
struct Source final : ByteSource {
    std::size_t left = 5000000;
    bool fails = false;
    std::size_t read(std::span<std::byte> buffer) override {
        if (fails && left < 1000000) throw Error(Code::cancelled, "the source dried up");
        const std::size_t now = std::min(left, buffer.size());
        std::fill_n(buffer.begin(), now, std::byte{1});
        left -= now;
        return now;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(transports, Fixture)

BOOST_AUTO_TEST_CASE(results_are_the_same) {
    BOOST_TEST(both([](auto& d) { return d.mount("a \"b\" <c> ä", "1"); }) == "/mnt/a \"b\" <c> ä");
    BOOST_TEST(both([](auto& d) { return d.get("x")->status_json; }) == R"({"Version":"1.0"})");
    BOOST_TEST(both([](auto& d) { return std::string(d.get("none") ? "some" : "none"); }) == "none");
    BOOST_TEST(both([](auto& d) { return std::to_string(d.usage("x").size) + d.capabilities().scope; }) == "12global");
    BOOST_TEST(both([](auto& d) { d.create("options", {{"a", "<&>\"\\ä"}, {"b", ""}}); return std::string("ok"); }) == "ok");
}

BOOST_AUTO_TEST_CASE(errors_are_the_same) {
    const auto create = [this](const char* name) {
        return both([name](auto& d) {
            d.create(name, {});
            return std::string("no error");
        });
    };
    BOOST_TEST(create("conflict") == "error 3 16 volume conflict: it is so");
    BOOST_TEST(create("throw-std") == "error 9 0 a plain exception");
    BOOST_TEST(create("throw-int") == "error 9 0 the driver threw something that is no exception");
    BOOST_TEST(create("throw-long").size() < 5000U);
    BOOST_TEST(both([](auto& d) { d.rename("a", "b"); return std::string(); }) ==
               "error 5 0 VolumeDriver.Rename: not implemented by this driver");
    BOOST_TEST(both([](auto& d) { return d.mount("relative", ""); }).starts_with("error 1"));
    BOOST_TEST(both([](auto& d) { return d.mount("dots", ""); }).starts_with("error 1"));
    BOOST_TEST(both([](auto& d) { return std::string(d.get("broken") ? "y" : "n"); }) == "error 9 5 get broken: Input/output error");
}

BOOST_AUTO_TEST_CASE(a_reply_of_more_than_four_megabytes_is_refused) {
    for (Transport* transport : {local.get(), remote.get()})
        BOOST_TEST(outcome(*transport, [](auto& d) { return std::to_string(d.list().size()); }).starts_with("error"));
}

BOOST_AUTO_TEST_CASE(streams_arrive_whole) {
    BOOST_TEST(both([](auto& d) {
                   Sink sink;
                   d.exportVolume("whole", sink);
                   return std::to_string(sink.text.size());
               }) == "10000000");
    BOOST_TEST(both([](auto& d) {
                   Source source;
                   d.importVolume("x", source);
                   return std::string();
               }) == "error 1 0 imported 5000000 bytes");
}

BOOST_AUTO_TEST_CASE(streams_that_break_are_errors) {
    for (Transport* transport : {local.get(), remote.get()}) {
        BOOST_TEST(outcome(*transport, [](auto& d) {
                       Sink sink;
                       d.exportVolume("cut", sink);
                       return std::string("complete");
                   }).starts_with("error"));
        BOOST_TEST(outcome(*transport, [](auto& d) {
                       Source source;
                       source.fails = true;
                       d.importVolume("x", source);
                       return std::string("complete");
                   }) == "error 8 0 the source dried up");
        BOOST_TEST(outcome(*transport, [](auto& d) {
                       Source source;
                       d.importVolume("early", source);
                       return std::string("complete");
                   }) == "error 3 0 import early: no room");
    }
}

BOOST_AUTO_TEST_CASE(a_driver_sees_its_deadline) {
    for (Transport* transport : {local.get(), remote.get()}) {
        const Error e = errorOf([&] {
            (void)transport->call({.method = "VolumeDriver.Create", .request = R"({"Name":"wait"})", .timeout = 100ms});
        });
        BOOST_TEST((e.code() == Code::deadline), e.text());
    }
}

BOOST_AUTO_TEST_SUITE_END()
