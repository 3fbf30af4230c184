#include "http/client.hpp"

#include <sys/socket.h>

#include <boost/test/unit_test.hpp>
#include <thread>

#include "base/check.hpp"
#include "server_fixture.hpp"

using namespace davit;
using namespace davit::http;
using namespace davit::http::test;

namespace {
// A client whose server is the test itself.
struct Scripted {
    Scripted() {
        int pair[2];
        check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
        client = std::make_unique<ClientConnection>(streamOf(UniqueFd(pair[0])), "peer");
        server = streamOf(UniqueFd(pair[1]));
    }
    std::unique_ptr<ClientConnection> client;
    std::unique_ptr<Stream> server;
};
}  // namespace

BOOST_AUTO_TEST_SUITE(client)

BOOST_AUTO_TEST_CASE(interim_responses_are_skipped) {
    Scripted script;
    script.server->write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", after(1s));
    script.client->send({}, after(1s));
    BOOST_TEST(script.client->receive(after(1s)).status == 204U);
    BOOST_TEST(script.client->reusable());
}

BOOST_AUTO_TEST_CASE(a_server_that_hangs_up_is_cancelled) {
    Scripted script;
    script.client->send({}, after(1s));
    script.server.reset();
    BOOST_CHECK_EXCEPTION((void)script.client->receive(after(1s)), Error,
                          [](const Error& failure) { return failure.code() == Code::cancelled; });
}

BOOST_AUTO_TEST_CASE(a_silent_server_runs_into_the_deadline) {
    Scripted script;
    script.client->send({}, after(1s));
    BOOST_CHECK_EXCEPTION((void)script.client->receive(after(20ms)), Error,
                          [](const Error& failure) { return failure.code() == Code::deadline; });
}

BOOST_AUTO_TEST_CASE(rubbish_is_invalid) {
    Scripted script;
    script.server->write("SSH-2.0-OpenSSH_9.2p1\r\n", after(1s));
    script.server->shutdownWrite();
    script.client->send({}, after(1s));
    BOOST_CHECK_THROW((void)script.client->receive(after(1s)), Error);
}

BOOST_AUTO_TEST_CASE(docker_style_raw_stream_without_length_can_be_hijacked) {
    Scripted script;
    script.server->write("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nfirst", after(1s));
    script.client->send({.method = "POST"}, after(1s));
    BOOST_TEST(script.client->receive(after(1s)).status == 200U);
    const Hijacked raw = script.client->hijack();
    BOOST_TEST(raw.early == "first");
}

BOOST_AUTO_TEST_CASE(a_refusal_stops_the_sending) {
    Scripted script;
    class Endless final : public ByteSource {
      public:
        std::size_t read(std::span<std::byte> buffer) override {
            std::fill(buffer.begin(), buffer.end(), std::byte{'x'});
            return buffer.size();
        }
    } endless;
    script.server->write("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno", after(1s));
    script.client->send({.method = "POST", .body = &endless}, after(5s));
    BOOST_TEST(script.client->receive(after(1s)).status == 500U);
    BOOST_TEST(script.client->readBody(10, after(1s)) == "no");
    BOOST_TEST(!script.client->reusable());
}

BOOST_AUTO_TEST_CASE(a_body_longer_than_the_limit_is_refused) {
    Scripted script;
    script.server->write("HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n" + std::string(200, 'x'), after(1s));
    script.client->send({}, after(1s));
    BOOST_TEST(script.client->receive(after(1s)).status == 200U);
    BOOST_CHECK_THROW((void)script.client->readBody(100, after(1s)), Error);
}

BOOST_AUTO_TEST_SUITE_END()
