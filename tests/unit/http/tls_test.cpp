#include "http/tls.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <future>

#include "http/pump.hpp"
#include "server_fixture.hpp"

using namespace davit;
using namespace davit::http;
using namespace davit::http::test;

namespace {

// A certificate authority with a server and a client certificate, made by the openssl tool.
struct Certificates {
    Certificates() {
        run({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=ca", "-keyout", at("ca-key.pem"), "-out", at("ca.pem")});
        issue("server", "subjectAltName=DNS:localhost,IP:127.0.0.1");
        issue("client", "extendedKeyUsage=clientAuth");
    }
    void issue(const std::string& name, const std::string& extension) {
        run({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name, "-keyout",
             at(name + "-key.pem"), "-out", at(name + ".csr")});
        writeFileAtomically(at(name + ".ext"), extension + "\n");
        run({"x509", "-req", "-in", at(name + ".csr"), "-CA", at("ca.pem"), "-CAkey", at("ca-key.pem"),
             "-CAcreateserial", "-days", "2", "-extfile", at(name + ".ext"), "-out", at(name + ".pem")});
    }
    // Through system(): ThreadSanitizer loses track of a thread that goes through the vfork of ChildProcess.
    static void run(const std::vector<std::string>& args) {
        std::string command = "openssl";
        for (const std::string& arg : args) command += " '" + arg + "'";
        BOOST_TEST_REQUIRE(std::system((command + " >/dev/null 2>&1").c_str()) == 0);
    }
    [[nodiscard]] std::string at(const std::string& name) const { return directory.path() / name; }
    [[nodiscard]] TlsFiles files(const std::string& name) const {
        return {at("ca.pem"), at(name + ".pem"), at(name + "-key.pem")};
    }
    TempDir directory;
};

struct TlsServer {
    explicit TlsServer(std::function<void(Exchange)> handler) : server({.handler = std::move(handler)}) {
        Listener listener = listenTcp("127.0.0.1", 0);
        listener.transport = Transport::tls;
        listener.accept = serverTls(certificates.files("server"), true);
        port = boundPort(listener);
        server.listen(std::move(listener));
        server.start();
    }
    [[nodiscard]] std::unique_ptr<Stream> connect(const std::string& who, const std::string& host = "localhost") const {
        return connectTls({.host = host, .port = port, .files = certificates.files(who), .deadline = after(5s)});
    }
    Certificates certificates;
    std::uint16_t port = 0;
    Server server;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(tls)

BOOST_AUTO_TEST_CASE(a_client_with_a_certificate_is_served_and_others_are_not) {
    TlsServer test([](Exchange exchange) { exchange.respond(200, {}, exchange.readBody()); });
    ClientConnection client(test.connect("client"), "localhost");
    for (const std::string& body : {std::string("one"), std::string(1'000'000, 'x')}) {
        client.send({.method = "POST", .text = body}, after(5s));
        BOOST_TEST(client.receive(after(5s)).status == 200U);
        BOOST_TEST((client.readBody(2'000'000, after(5s)) == body));
    }
    // TLS 1.3 tells a client of its refusal only with the first read.
    const auto anonymous = [&] {
        ClientConnection other(connectTls({.host = "localhost",
                                           .port = test.port,
                                           .files = {.ca = test.certificates.at("ca.pem"), .cert = {}, .key = {}},
                                           .deadline = after(5s)}),
                               "localhost");
        other.send({}, after(5s));
        (void)other.receive(after(5s));
    };
    BOOST_CHECK_THROW(anonymous(), Error);
}

BOOST_AUTO_TEST_CASE(a_server_of_another_name_or_authority_is_refused) {
    TlsServer test([](Exchange exchange) { exchange.respond(200, {}, ""); });
    const Certificates others;
    BOOST_CHECK_THROW(
        (void)connectTls(
            {.host = "localhost", .port = test.port, .files = others.files("client"), .deadline = after(5s)}),
        Error);
    BOOST_CHECK_THROW((void)test.connect("client", "127.0.0.2"), Error);
    BOOST_CHECK_NO_THROW((void)test.connect("client", "127.0.0.1"));
}

BOOST_AUTO_TEST_CASE(plain_http_on_the_tls_port_gets_a_readable_400) {
    TlsServer test([](Exchange exchange) { exchange.respond(200, {}, ""); });
    const auto stream = connectTcp("127.0.0.1", test.port, after(2s));
    stream->write("GET / HTTP/1.1\r\nHost: x\r\n\r\n", after(1s));
    const std::string answer = readAll(*stream);
    BOOST_TEST(answer.starts_with("HTTP/1.0 400 Bad Request\r\n"));
    BOOST_TEST(answer.ends_with("Client sent an HTTP request to an HTTPS server.\n"));
}

// Its beginning may come between a look for it and the handshake.
BOOST_AUTO_TEST_CASE(a_handshake_may_begin_at_any_moment) {
    TlsServer test([](Exchange exchange) { exchange.respond(200, {}, exchange.readBody()); });
    std::vector<std::future<int>> clients;
    for (int number = 0; number < 4; ++number)
        clients.push_back(std::async(std::launch::async, [&test] {
            int served = 0;
            for (int round = 0; round < 100; ++round) {
                ClientConnection client(test.connect("client"), "localhost");
                client.send({.method = "POST", .text = "x"}, after(5s));
                served += client.receive(after(5s)).status == 200U ? 1 : 0;
            }
            return served;
        }));
    for (std::future<int>& client : clients) BOOST_TEST(client.get() == 100);
}

BOOST_AUTO_TEST_CASE(a_hijacked_tls_stream_is_pumped_into_a_socket) {
    std::promise<UniqueFd> taken;
    Server* server = nullptr;
    TlsServer test([&](Exchange exchange) {
        Hijacked hijacked = exchange.hijack("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
        taken.set_value(pumpToSocket(server->reactor(), std::move(hijacked.stream)));
    });
    server = &test.server;
    ClientConnection client(test.connect("client"), "localhost");
    client.send({.method = "POST", .headers = {{"Connection", "Upgrade"}, {"Upgrade", "tcp"}}}, after(5s));
    BOOST_TEST(client.receive(after(5s)).status == 101U);
    const Hijacked ours = client.hijack();
    const auto theirs = streamOf(taken.get_future().get());
    const std::string large(1'000'000, 'y');
    auto heard = std::async(std::launch::async, [&] { return readAll(*theirs); });
    ours.stream->write(large, after(5s));
    ours.stream->shutdownWrite();
    BOOST_TEST((heard.get() == large));
    theirs->write("answer after the half-close", after(5s));
    BOOST_TEST(readUntil(*ours.stream, "close") == "answer after the half-close");
    theirs->shutdownWrite();
    std::array<std::byte, 10> block;
    BOOST_TEST(ours.stream->read(block, after(5s)) == 0U);
}

BOOST_AUTO_TEST_CASE(missing_files_are_named) {
    BOOST_CHECK_EXCEPTION((void)serverTls({.ca = "", .cert = "/nowhere/cert.pem", .key = "/nowhere/key.pem"}, false),
                          Error,
                          [](const Error& failure) { return failure.text().find("/nowhere/") != std::string::npos; });
    BOOST_CHECK_THROW((void)serverTls({.ca = "", .cert = "/x", .key = "/y"}, true), Error);
}

BOOST_AUTO_TEST_SUITE_END()
