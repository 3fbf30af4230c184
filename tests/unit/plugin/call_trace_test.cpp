// Who listens to the calls of drivers: what they are told, what they lose, and that nobody waits for them.
#include <boost/test/unit_test.hpp>
#include <thread>

#include "plugin/call_tap.hpp"
#include "plugin/foreign_server.hpp"
#include "plugin_fixtures.hpp"

using namespace davit;
using namespace davit::plugin;
using namespace davit::plugin::test;
using namespace std::chrono_literals;

namespace {

// A driver whose answer is a function.
struct Answer final : Transport {
    std::function<std::string(const Call&)> answer = [](const Call&) { return std::string(R"({"Mountpoint":"/m"})"); };
    std::string call(const Call& call) override { return answer(call); }
};

struct Fixture {
    std::shared_ptr<CallTrace> trace = std::make_shared<CallTrace>();
    std::shared_ptr<Answer> driver = std::make_shared<Answer>();
    TracedTransport transport{driver, CallTap(trace, info("vol"))};

    static DriverInfo info(const std::string& name) {
        DriverInfo result;
        result.kind = DriverKind::volume;
        result.name = name;
        result.plugin = "acme";
        result.transport = "in-process";
        return result;
    }
    std::string mount(std::string_view request = R"({"Name":"v"})") {
        return transport.call({.method = "VolumeDriver.Mount", .request = request});
    }
};

struct Sink final : ByteSink {
    void write(std::span<const std::byte>) override {}
};
struct Source final : ByteSource {
    std::size_t left = 1000;
    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t now = std::min(left, buffer.size());
        left -= now;
        return now;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(call_trace, Fixture)

BOOST_AUTO_TEST_CASE(a_call_is_told_of_when_it_begins_and_when_it_ends) {
    const auto listener = trace->listen({.name = "vol", .kind = {}});
    std::vector<TraceRecord> before;
    driver->answer = [&](const Call&) {
        before = listener->take();
        std::this_thread::sleep_for(2ms);
        return std::string("{}");
    };
    BOOST_TEST(mount() == "{}");
    BOOST_REQUIRE(before.size() == 1U);
    BOOST_TEST(!before[0].outcome);
    BOOST_TEST(before[0].call->method == "VolumeDriver.Mount");
    BOOST_TEST(before[0].call->request.text == R"({"Name":"v"})");
    BOOST_TEST(before[0].call->subject->driver == "vol");
    BOOST_CHECK(before[0].call->kind == DriverKind::volume);
    const auto after = listener->take();
    BOOST_REQUIRE(after.size() == 1U);
    BOOST_TEST(after[0].call->number == before[0].call->number);
    BOOST_TEST(after[0].outcome->reply.text == "{}");
    BOOST_CHECK(after[0].outcome->duration >= 2ms);
    BOOST_TEST(!after[0].outcome->failure);
    BOOST_TEST(!after[0].outcome->sent);
}

BOOST_AUTO_TEST_CASE(while_nobody_listens_nothing_is_made) {
    const Call* seen = nullptr;
    driver->answer = [&](const Call& call) {
        seen = &call;
        return std::string();
    };
    const Call call{.method = "VolumeDriver.List"};
    (void)transport.call(call);
    BOOST_TEST(seen == &call);  // the caller's own, not a copy
    BOOST_TEST(!trace->watched());
    { const auto listener = trace->listen({.name = "other", .kind = {}}); }
    BOOST_TEST(!trace->watched());
    BOOST_TEST(trace->nextNumber() == 1U);
}

BOOST_AUTO_TEST_CASE(who_listens_gets_what_it_asked_for) {
    const auto other = trace->listen({.name = "other", .kind = {}});
    const auto plugin = trace->listen({.name = "acme", .kind = {}});
    const auto kind = trace->listen({.name = "vol", .kind = DriverKind::network});
    mount();
    BOOST_TEST(other->take().size() == 0U);
    BOOST_TEST(plugin->take().size() == 2U);
    BOOST_TEST(kind->take().size() == 0U);
}

BOOST_AUTO_TEST_CASE(failures_keep_their_way_and_are_told_in_words) {
    const auto listener = trace->listen({.name = "vol", .kind = {}});
    driver->answer = [](const Call&) -> std::string { throw Error(Code::conflict, "it is so", EBUSY); };
    const Error failure = errorOf([&] { mount(); });
    BOOST_TEST(failure.sysErrno() == EBUSY);
    auto records = listener->take();
    BOOST_REQUIRE(records.size() == 2U);
    BOOST_CHECK(records[1].outcome->failure->code == Code::conflict);
    BOOST_TEST(records[1].outcome->failure->text.text == "it is so");

    driver->answer = [](const Call&) { return std::string(R"({"Err":"no such volume"})"); };
    BOOST_TEST(mount() == R"({"Err":"no such volume"})");
    records = listener->take();
    BOOST_TEST(records[1].outcome->failure->text.text == "no such volume");
    BOOST_TEST(records[1].outcome->reply.text == R"({"Err":"no such volume"})");

    driver->answer = [](const Call&) { return std::string(R"("Err)"); };
    mount();
    BOOST_TEST(!listener->take()[1].outcome->failure);
}

BOOST_AUTO_TEST_CASE(long_messages_are_cut_between_characters) {
    const auto listener = trace->listen({.name = "vol", .kind = {}});
    std::string request(kMaxTracedText - 1, 'x');
    request += "ä!";
    mount(request);
    const auto records = listener->take();
    const TracedText& text = records[0].call->request;
    BOOST_TEST(text.text == std::string(kMaxTracedText - 1, 'x'));
    BOOST_TEST(text.size == request.size());
    BOOST_TEST(text.truncated());
}

BOOST_AUTO_TEST_CASE(the_bytes_of_streams_are_counted) {
    const auto listener = trace->listen({.name = "vol", .kind = {}});
    Source source;
    Sink sink;
    driver->answer = [](const Call& call) {
        std::byte buffer[300];
        while (call.body->read(buffer) > 0) call.stream->write({buffer, 7});
        return std::string();
    };
    (void)transport.call({.method = "VolumeDriver.Import", .request = {}, .body = &source, .stream = &sink});
    const auto records = listener->take();
    BOOST_TEST(records[1].outcome->sent.value() == 1000U);
    BOOST_TEST(records[1].outcome->received.value() == 28U);
}

BOOST_AUTO_TEST_CASE(who_does_not_take_loses_records_and_learns_how_many) {
    const auto listener = trace->listen({.name = "vol", .kind = {}});
    const std::size_t calls = TraceListener::kBacklog / 2 + 5;
    for (std::size_t i = 0; i < calls; ++i) mount();
    BOOST_TEST(listener->take(1).size() == 1U);  // makes room for one: the loss lies before it
    mount();
    const auto records = listener->take(10 * TraceListener::kBacklog);
    BOOST_REQUIRE(records.size() > TraceListener::kBacklog);
    BOOST_TEST(!records[TraceListener::kBacklog - 1].call);
    BOOST_TEST(records[TraceListener::kBacklog - 1].dropped == 10U);
    BOOST_TEST(records[TraceListener::kBacklog].call->method == "VolumeDriver.Mount");
    BOOST_TEST(!records.back().call);
    BOOST_TEST(records.back().dropped == 1U);
    mount();
    BOOST_TEST(listener->take().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_listener_may_go_in_the_middle_of_a_call) {
    auto listener = trace->listen({.name = "vol", .kind = {}});
    int woken = 0;
    listener->onRecord([&woken] { ++woken; });
    driver->answer = [&](const Call&) {
        listener.reset();
        return std::string("{}");
    };
    BOOST_TEST(mount() == "{}");
    BOOST_TEST(woken == 1);
    BOOST_TEST(!trace->watched());
}

BOOST_AUTO_TEST_CASE(it_is_woken_once_until_it_takes) {
    const auto listener = trace->listen({.name = "vol", .kind = {}});
    mount();
    int woken = 0;
    listener->onRecord([&woken] { ++woken; });
    BOOST_TEST(woken == 1);  // there was something already
    mount();
    BOOST_TEST(woken == 1);
    (void)listener->take();
    mount();
    BOOST_TEST(woken == 2);
}

BOOST_AUTO_TEST_CASE(threads_call_while_listeners_come_and_go) {
    constexpr int kThreads = 4;
    constexpr int kCalls = 500;
    std::atomic<int> running{kThreads};
    std::vector<std::thread> callers;
    const auto whole = trace->listen({.name = "vol", .kind = {}});
    for (int i = 0; i < kThreads; ++i)
        callers.emplace_back([&] {
            for (int call = 0; call < kCalls; ++call) mount();
            --running;
        });
    std::uint64_t told = 0;
    const auto drain = [&] {
        for (auto records = whole->take(); !records.empty(); records = whole->take())
            for (const TraceRecord& record : records) told += record.call ? 1 : record.dropped;
    };
    while (running > 0) {
        const auto guest = trace->listen({.name = "vol", .kind = {}});
        guest->onRecord([] {});
        drain();
        (void)guest->take();
    }
    for (std::thread& caller : callers) caller.join();
    drain();
    BOOST_TEST(told == 2U * kThreads * kCalls);
}

BOOST_AUTO_TEST_CASE(a_server_that_is_not_there_is_one_call_that_fails) {
    const Places places;
    ForeignServer server(ForeignServer::Known{.name = "gone",
                                              .address = unixAddress(places.sockets / "gone.sock"),
                                              .interfaces = {"VolumeDriver"},
                                              .limit = 100ms},
                         trace);
    const auto listener = trace->listen({.name = "gone", .kind = {}});
    (void)errorOf([&] { (void)server.call({.method = "VolumeDriver.List"}); });
    const auto records = listener->take();
    BOOST_REQUIRE(records.size() == 2U);
    BOOST_CHECK(records[1].outcome->failure->code == Code::unavailable);
    BOOST_TEST(records[0].call->subject->transport == "unix://" + (places.sockets / "gone.sock").native());
}

BOOST_AUTO_TEST_CASE(the_registry_listens_by_the_names_it_shows) {
    const Places places;
    Places::install("rude", places.own / "rude.so");
    DriverRegistry registry(places.options());
    const auto listener = registry.trace("rude");
    BOOST_TEST(registry.volume("rude")->mount("x", "1") == "/mnt/x");
    const auto records = listener->take();
    BOOST_REQUIRE(records.size() == 2U);
    BOOST_TEST(records[1].call->subject->transport == "in-process");
    BOOST_TEST(records[1].outcome->reply.text == R"({"Mountpoint":"/mnt/x"})");
    BOOST_TEST(errorOf([&] { (void)registry.trace("nobody"); }).text() == "plugin \"nobody\" not found");
    registry.setManaged({.id = std::string(64, 'a'), .name = "acme/nfs:latest"});
    for (const char* name : {"acme/nfs", "acme/nfs:latest", "aaaaaaaaaaaa"}) BOOST_TEST(registry.trace(name)->take().empty());
}

BOOST_AUTO_TEST_CASE(a_driver_in_a_process_of_its_own_is_listened_to_as_well) {
    const Places places;
    Places::install("rude", places.foreign / "rude.so");
    DriverRegistry registry(places.options());
    const auto listener = registry.trace("rude", DriverKind::volume);
    (void)errorOf([&] { registry.volume("rude")->create("conflict", {}); });
    const auto records = listener->take();
    BOOST_REQUIRE(records.size() == 2U);
    BOOST_CHECK(records[1].call->subject->isolation == Isolation::own_process);
    BOOST_TEST(records[1].call->subject->transport.starts_with("unix:///"));
    BOOST_CHECK(records[1].outcome->failure->code == Code::conflict);
    BOOST_TEST(records[1].outcome->failure->text.text == "volume conflict: it is so");
}

BOOST_AUTO_TEST_SUITE_END()
