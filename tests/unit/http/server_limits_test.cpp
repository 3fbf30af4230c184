// What the server does to clients that are slow, many or malformed (faults.md F19-F21, SEC-52).
#include <dirent.h>

#include <boost/test/unit_test.hpp>

#include "server_fixture.hpp"

using namespace davit;
using namespace davit::http;
using namespace davit::http::test;

namespace {
void ok(Exchange exchange) { exchange.respond(200, {}, "ok"); }
}  // namespace

BOOST_AUTO_TEST_SUITE(server_limits)

BOOST_AUTO_TEST_CASE(what_is_no_http_gets_400_and_the_connection_closes) {
    TestServer test(ok);
    for (const std::string_view text :
         {"rubbish\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x00\r\n",
          "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
        const auto stream = test.connect();
        stream->write(text, after(1s));
        const std::string answer = readAll(*stream);
        BOOST_TEST(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"));
        BOOST_TEST(answer.find("Connection: close\r\n") != std::string::npos);
    }
    BOOST_TEST(eventually([&] { return test.server.connections() == 0; }));
}

BOOST_AUTO_TEST_CASE(a_head_that_never_ends_is_431) {
    TestServer test(ok);
    const auto stream = test.connect();
    stream->write("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(kMaxHeadSize, 'a'), after(2s));
    BOOST_TEST(readAll(*stream).starts_with("HTTP/1.1 431 "));
}

BOOST_AUTO_TEST_CASE(a_bad_chunk_closes_the_connection) {
    TestServer test([](Exchange exchange) {
        try {
            (void)exchange.readBody();
            exchange.respond(200, {}, "");
        } catch (const StatusError& failure) {
            exchange.respond(failure.status(), {}, "");
        }
    });
    const auto stream = test.connect();
    stream->write("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nGET / HTTP/1.1\r\n",
                  after(1s));
    const std::string answer = readAll(*stream);
    BOOST_TEST(answer.starts_with("HTTP/1.1 400 "));
    BOOST_TEST(answer.find("200 OK") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(half_sent_heads_are_closed_and_do_not_deafen_the_server) {
    TestServer test(ServerOptions{.handler = ok, .head_timeout = 300ms});
    std::vector<std::unique_ptr<Stream>> slow;
    for (int i = 0; i < 200; ++i) {
        slow.push_back(test.connect());
        slow.back()->write("GET / HTTP/1.1\r\nHost:", after(1s));
    }
    ClientConnection client = test.client();
    client.send({}, after(1s));
    BOOST_TEST(client.receive(after(1s)).status == 200U);
    BOOST_TEST(readAll(*slow.front()).empty());
    BOOST_TEST(eventually([&] { return test.server.connections() <= 1; }));
}

BOOST_AUTO_TEST_CASE(an_idle_connection_is_closed_after_its_time) {
    TestServer test(ServerOptions{.handler = ok, .idle_timeout = 100ms});
    ClientConnection client = test.client();
    client.send({}, after(1s));
    BOOST_TEST(client.receive(after(1s)).status == 200U);
    BOOST_TEST(client.readBody(10, after(1s)) == "ok");
    BOOST_TEST(readAll(client.stream()).empty());
}

BOOST_AUTO_TEST_CASE(connections_above_the_maximum_wait_for_their_turn) {
    TestServer test(ServerOptions{.handler = ok, .max_connections = 2});
    auto first = test.connect();
    auto second = test.connect();
    BOOST_TEST(eventually([&] { return test.server.connections() == 2; }));
    ClientConnection third = test.client();
    third.send({}, after(1s));
    BOOST_CHECK_THROW((void)third.receive(after(100ms)), Error);
    first.reset();
    BOOST_TEST(third.receive(after(5s)).status == 200U);
}

BOOST_AUTO_TEST_CASE(a_thousand_clients_are_served) {
    TestServer test(ok);
    std::vector<ClientConnection> clients;
    for (int i = 0; i < 400; ++i) clients.push_back(test.client());
    for (int round = 0; round < 3; ++round) {
        for (ClientConnection& client : clients) client.send({}, after(5s));
        for (ClientConnection& client : clients) {
            BOOST_TEST_REQUIRE(client.receive(after(5s)).status == 200U);
            BOOST_TEST_REQUIRE(client.readBody(10, after(5s)) == "ok");
        }
    }
    clients.clear();
    BOOST_TEST(eventually([&] { return test.server.connections() == 0; }));
}

BOOST_AUTO_TEST_SUITE_END()
