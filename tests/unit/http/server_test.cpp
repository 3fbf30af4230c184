#include "http/server.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <future>
#include <optional>

#include "base/thread_annotations.hpp"
#include "server_fixture.hpp"

using namespace davit;
using namespace davit::http;
using namespace davit::http::test;

namespace {
std::string ask(ClientConnection& client, ClientRequest request) {
    client.send(request, after(5s));
    const ResponseHead head = client.receive(after(5s));
    return std::to_string(head.status) + " " + client.readBody(1 << 20, after(5s));
}

// A source of a given text in small pieces.
class TextSource final : public ByteSource {
  public:
    explicit TextSource(std::string text) : text_(std::move(text)) {}
    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t count = std::min({buffer.size(), text_.size() - done_, std::size_t{1000}});
        std::memcpy(buffer.data(), text_.data() + done_, count);
        done_ += count;
        return count;
    }

  private:
    std::string text_;
    std::size_t done_ = 0;
};
}  // namespace

BOOST_AUTO_TEST_SUITE(server)

BOOST_AUTO_TEST_CASE(a_connection_serves_many_requests) {
    TestServer test([](Exchange exchange) {
        exchange.respond(200, {},
                         exchange.request().method + " " + exchange.request().target + " " + exchange.readBody());
    });
    ClientConnection client = test.client();
    BOOST_TEST(ask(client, {.target = "/a?b=c"}) == "200 GET /a?b=c ");
    BOOST_TEST(client.reusable());
    BOOST_TEST(ask(client, {.method = "POST", .target = "/x", .text = "body"}) == "200 POST /x body");
    TextSource source(std::string(100'000, 'z'));
    BOOST_TEST(ask(client, {.method = "PUT", .target = "/y", .body = &source}).size() == 100'000U + 11);
    TextSource sized("12345");
    BOOST_TEST(ask(client, {.method = "PUT", .target = "/y", .body = &sized, .body_size = 5}) == "200 PUT /y 12345");
    BOOST_TEST(ask(client, {.method = "HEAD"}) == "200 ");
    BOOST_TEST(client.reusable());
    BOOST_TEST(test.server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_order) {
    TestServer test([](Exchange exchange) { exchange.respond(200, {}, exchange.request().target); });
    const auto stream = test.connect();
    stream->write("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                  after(1s));
    const std::string all = readAll(*stream);
    BOOST_TEST(all.find("/1") < all.find("/2"));
    BOOST_TEST(all.ends_with("/2"));
}

// Its worker keeps a connection for a moment: what comes then is understood as ever.
BOOST_AUTO_TEST_CASE(what_follows_an_answer_at_once) {
    const TestServer fixture([](Exchange exchange) { exchange.respond(200, {}, exchange.request().target); });
    const auto ask = [](Stream& stream, const std::string& target) {
        stream.write("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n", after(2s));
    };
    {  // half a head, and the other half later than the worker waits
        const auto stream = fixture.connect();
        ask(*stream, "/first");
        BOOST_TEST(readUntil(*stream, "/first").starts_with("HTTP/1.1 200"));
        stream->write("GET /second HTTP/1.1\r\n", after(2s));
        std::this_thread::sleep_for(20ms);
        stream->write("Host: x\r\n\r\n", after(2s));
        BOOST_TEST(readUntil(*stream, "/second").starts_with("HTTP/1.1 200"));
    }
    {  // garbage
        const auto stream = fixture.connect();
        ask(*stream, "/first");
        (void)readUntil(*stream, "/first");
        stream->write("no request\r\n\r\n", after(2s));
        BOOST_TEST(readAll(*stream).starts_with("HTTP/1.1 400"));
    }
    {  // the last request, and the end of the client's side with it
        const auto stream = fixture.connect();
        ask(*stream, "/first");
        (void)readUntil(*stream, "/first");
        ask(*stream, "/second");
        stream->shutdownWrite();
        BOOST_TEST(readAll(*stream).ends_with("/second"));
    }
    {  // nothing: it is closed on both sides
        const auto stream = fixture.connect();
        ask(*stream, "/first");
        (void)readUntil(*stream, "/first");
        stream->shutdownWrite();
        BOOST_TEST(readAll(*stream).empty());
    }
    BOOST_TEST(eventually([&] { return fixture.server.connections() == 0; }));
}

// The handler of an earlier request is still on its way out while a later one's worker keeps the connection.
BOOST_AUTO_TEST_CASE(an_answer_that_another_thread_ends_does_not_keep_the_connection) {
    std::vector<std::thread> others;
    Mutex mutex;
    {
        std::atomic<int> rounds = 0;
        const TestServer fixture([&](Exchange exchange) {
            if (exchange.request().target == "/now") return exchange.respond(200, {}, "now");
            auto body = std::make_shared<BodyWriter>(exchange.startStream(200, {}));
            {
                const Lock lock(mutex);
                others.emplace_back([body] {
                    body->write("streamed");
                    body->finish();
                });
            }
            std::this_thread::sleep_for(std::chrono::microseconds(50 * (rounds++ % 30)));
        });
        for (int round = 0; round < 300; ++round) {
            const auto stream = fixture.connect();
            stream->write("GET /stream HTTP/1.1\r\nHost: x\r\n\r\nGET /now HTTP/1.1\r\nHost: x\r\n\r\n", after(2s));
            BOOST_TEST(readUntil(*stream, "now").find("streamed") != std::string::npos);
            if (round % 3 == 0) std::this_thread::sleep_for(500us);
            stream->write("GET /now HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", after(2s));
            BOOST_TEST(readAll(*stream).ends_with("now"));
        }
    }
    for (std::thread& other : others) other.join();
}

BOOST_AUTO_TEST_CASE(the_server_may_stop_while_a_connection_is_kept) {
    for (int round = 0; round < 50; ++round) {
        TestServer fixture([](Exchange exchange) { exchange.respond(200, {}, "now"); });
        const auto stream = fixture.connect();
        stream->write("GET / HTTP/1.1\r\nHost: x\r\n\r\n", after(2s));
        (void)readUntil(*stream, "now");
        if (round % 2 == 0) stream->write("GET / HTTP/1.1\r\nHost: x\r\n\r\n", after(2s));
        fixture.server.stop(1s);
        try {
            (void)readAll(*stream);  // ends, whether there was an answer or not
        } catch (const Error&) {  // reset
        }
        BOOST_TEST(fixture.server.connections() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(the_end_of_a_client_is_noticed_by_a_request_that_followed_at_once) {
    std::atomic<int> gone = 0;
    Mutex mutex;
    std::vector<Exchange> deferred;
    const TestServer fixture([&](Exchange exchange) {
        if (exchange.request().target == "/now") return exchange.respond(200, {}, "now");
        const Lock lock(mutex);
        deferred.push_back(std::move(exchange));
        deferred.back().onDisconnect([&] { ++gone; });
    });
    for (int round = 1; round <= 50; ++round) {
        const auto stream = fixture.connect();
        stream->write("GET /now HTTP/1.1\r\nHost: x\r\n\r\n", after(2s));
        (void)readUntil(*stream, "now");
        stream->write("GET /later HTTP/1.1\r\nHost: x\r\n\r\n", after(2s));
        if (round % 2 == 0) std::this_thread::sleep_for(2ms);
        stream->shutdownWrite();
        BOOST_TEST(eventually([&] { return gone == round; }));
    }
    const Lock lock(mutex);
    deferred.clear();
}

BOOST_AUTO_TEST_CASE(http_1_0_closes_unless_asked_to_stay) {
    TestServer test([](Exchange exchange) {
        auto body = exchange.startStream(200, {});
        body.write("abc");
        body.finish();
    });
    const auto stream = test.connect();
    stream->write("GET / HTTP/1.0\r\n\r\n", after(1s));
    const std::string all = readAll(*stream);
    BOOST_TEST(all.starts_with("HTTP/1.0 200 OK\r\n"));
    BOOST_TEST(all.ends_with("\r\n\r\nabc"));
}

BOOST_AUTO_TEST_CASE(an_unread_body_does_not_become_the_next_request) {
    TestServer test([](Exchange exchange) { exchange.respond(404, {}, "no"); });
    ClientConnection client = test.client();
    BOOST_TEST(ask(client, {.method = "POST", .text = "GET /evil HTTP/1.1\r\n\r\n"}) == "404 no");
    if (client.reusable()) BOOST_TEST(ask(client, {.target = "/next"}) == "404 no");
    ClientConnection large = test.client();
    TextSource source(std::string(8'000'000, 'z'));
    BOOST_TEST(ask(large, {.method = "POST", .body = &source}) == "404 no");
    BOOST_TEST(!large.reusable());
}

BOOST_AUTO_TEST_CASE(expect_100_continue_is_honoured_when_the_body_is_read) {
    TestServer test([](Exchange exchange) { exchange.respond(200, {}, exchange.readBody()); });
    const auto stream = test.connect();
    stream->write("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", after(1s));
    BOOST_TEST(readUntil(*stream, "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    stream->write("ok", after(1s));
    BOOST_TEST(readUntil(*stream, "ok").starts_with("HTTP/1.1 200 OK"));
}

BOOST_AUTO_TEST_CASE(a_body_above_the_limit_is_413) {
    TestServer test([](Exchange exchange) {
        try {
            (void)exchange.readBody(10);
            exchange.respond(200, {}, "");
        } catch (const StatusError& failure) {
            exchange.respond(failure.status(), {}, "");
        }
    });
    ClientConnection client = test.client();
    BOOST_TEST(ask(client, {.method = "POST", .text = "12345678901"}) == "413 ");
    ClientConnection other = test.client();
    BOOST_TEST(ask(other, {.method = "POST", .text = "1234567890"}) == "200 ");
}

BOOST_AUTO_TEST_CASE(a_deferred_answer_holds_no_worker) {
    Mutex mutex;
    std::vector<Exchange> waiting;
    ServerOptions options{.handler =
                              [&](Exchange exchange) {
                                  if (exchange.request().target == "/now") return exchange.respond(200, {}, "now");
                                  const Lock lock(mutex);
                                  waiting.push_back(std::move(exchange));
                              },
                          .max_workers = 1};
    TestServer test(std::move(options));
    std::vector<ClientConnection> clients;
    for (int i = 0; i < 50; ++i) {
        clients.push_back(test.client());
        clients.back().send({.target = "/later"}, after(5s));
    }
    ClientConnection quick = test.client();
    BOOST_TEST(ask(quick, {.target = "/now"}) == "200 now");
    BOOST_TEST(eventually([&] {
        const Lock lock(mutex);
        return waiting.size() == 50;
    }));
    for (Exchange& exchange : waiting) exchange.respond(200, {}, "later");
    for (ClientConnection& client : clients) BOOST_TEST(client.receive(after(5s)).status == 200U);
}

BOOST_AUTO_TEST_CASE(the_end_of_a_client_is_noticed_while_its_answer_is_deferred) {
    std::promise<void> gone;
    std::optional<Exchange> held;
    TestServer test([&](Exchange exchange) {
        held.emplace(std::move(exchange));
        held->onDisconnect([&] { gone.set_value(); });
    });
    auto stream = test.connect();
    stream->write("GET / HTTP/1.1\r\nHost: x\r\n\r\n", after(1s));
    BOOST_TEST(eventually([&] { return test.server.connections() == 1; }));
    stream.reset();
    BOOST_TEST((gone.get_future().wait_for(5s) == std::future_status::ready));
    held->respond(200, {}, "nobody reads this");
    held.reset();
    BOOST_TEST(eventually([&] { return test.server.connections() == 0; }));
}

BOOST_AUTO_TEST_CASE(a_slow_reader_holds_back_a_stream_and_gets_all_of_it) {
    constexpr std::size_t kBlocks = 300;
    TestServer test([](Exchange exchange) {
        auto body = exchange.startStream(200, {});
        const std::string block(64 * 1024, 'b');
        for (std::size_t i = 0; i < kBlocks; ++i) body.write(block);
        body.finish();
    });
    ClientConnection client = test.client();
    client.send({}, after(5s));
    BOOST_TEST(client.receive(after(5s)).headers.value("transfer-encoding") == "chunked");
    std::vector<std::byte> block(10'000);
    std::size_t total = 0;
    while (const std::size_t count = client.readSome(block, after(5s))) total += count;
    BOOST_TEST(total == kBlocks * 64 * 1024);
    BOOST_TEST(client.reusable());
}

BOOST_AUTO_TEST_CASE(offer_tells_when_to_stop_and_drained_when_to_go_on) {
    std::promise<std::size_t> offered;
    std::promise<void> drained;
    std::optional<BodyWriter> body;
    TestServer test([&](Exchange exchange) {
        body.emplace(exchange.startStream(200, {}));
        std::size_t count = 1;
        const std::string block(64 * 1024, 'b');
        while (body->offer(block)) ++count;
        offered.set_value(count);
        body->onDrained([&] { drained.set_value(); });
    });
    ClientConnection client = test.client();
    client.send({}, after(5s));
    const std::size_t blocks = offered.get_future().get();
    auto is_drained = drained.get_future();
    BOOST_TEST((is_drained.wait_for(50ms) == std::future_status::timeout));
    BOOST_TEST(client.receive(after(5s)).status == 200U);
    std::vector<std::byte> block(10'000);
    std::size_t total = 0;
    while (total < blocks * 64 * 1024) total += client.readSome(block, after(5s));
    BOOST_TEST((is_drained.wait_for(5s) == std::future_status::ready));
    body->finish();
    BOOST_TEST(client.readSome(block, after(5s)) == 0U);
}

BOOST_AUTO_TEST_CASE(a_stream_dropped_in_the_middle_is_cut_short) {
    TestServer test([](Exchange exchange) {
        auto body = exchange.startStream(200, {});
        body.write("part");
        throw std::runtime_error("disk on fire");
    });
    ClientConnection client = test.client();
    client.send({}, after(5s));
    BOOST_TEST(client.receive(after(5s)).status == 200U);
    BOOST_CHECK_THROW((void)client.readBody(100, after(5s)), Error);
}

BOOST_AUTO_TEST_CASE(an_exchange_without_answer_is_500) {
    TestServer test([](Exchange exchange) {
        if (exchange.request().target == "/throw") throw std::runtime_error("x");
    });
    ClientConnection client = test.client();
    BOOST_TEST(ask(client, {.target = "/throw"}).starts_with("500 "));
    BOOST_TEST(ask(client, {.target = "/forget"}).starts_with("500 "));
}

BOOST_AUTO_TEST_CASE(a_hijacked_stream_carries_early_bytes_and_half_close) {
    std::promise<Hijacked> taken;
    TestServer test([&](Exchange exchange) {
        taken.set_value(exchange.hijack("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"));
    });
    ClientConnection client = test.client();
    client.send({.method = "POST", .headers = {{"Connection", "Upgrade"}, {"Upgrade", "tcp"}}}, after(5s));
    client.stream().write("early", after(1s));
    BOOST_TEST(client.receive(after(5s)).status == 101U);
    Hijacked ours = client.hijack();
    Hijacked theirs = taken.get_future().get();
    BOOST_TEST(test.server.connections() == 0U);
    std::string heard = theirs.early;
    ours.stream->write(" late", after(1s));
    ours.stream->shutdownWrite();
    heard += readAll(*theirs.stream);
    BOOST_TEST(heard == "early late");
    theirs.stream->write("answer after the half-close", after(1s));
    const UniqueFd fd = theirs.stream->releaseFd();
    BOOST_TEST(static_cast<bool>(fd));
    BOOST_TEST(readUntil(*ours.stream, "close") == "answer after the half-close");
}

BOOST_AUTO_TEST_CASE(stop_lets_running_handlers_answer) {
    std::promise<void> entered;
    std::promise<void> go;
    auto may_go = go.get_future().share();
    TestServer test([&](Exchange exchange) {
        entered.set_value();
        may_go.wait();
        exchange.respond(200, {}, "done");
    });
    ClientConnection client = test.client();
    client.send({}, after(5s));
    entered.get_future().wait();
    std::thread stopper([&] { test.server.stop(10s); });
    go.set_value();
    const ResponseHead head = client.receive(after(5s));
    BOOST_TEST(head.status == 200U);
    BOOST_TEST(client.readBody(100, after(5s)) == "done");
    stopper.join();
    BOOST_CHECK_THROW((void)test.connect(), Error);
}

BOOST_AUTO_TEST_CASE(an_exchange_may_outlive_its_server) {
    std::promise<Exchange> promise;
    auto test = std::make_unique<TestServer>([&](Exchange exchange) { promise.set_value(std::move(exchange)); });
    ClientConnection client = test->client();
    client.send({}, after(5s));
    Exchange exchange = promise.get_future().get();
    test.reset();
    exchange.respond(200, {}, "too late");
}

BOOST_AUTO_TEST_SUITE_END()
