#include "plugin/http_transport.hpp"

#include <sys/socket.h>

#include <boost/test/unit_test.hpp>

#include "garbage_server.hpp"
#include "plugin/remote_ipam_driver.hpp"
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
    std::shared_ptr<HttpTransport> transport = std::make_shared<HttpTransport>(unixAddress(socket));

    std::string call(std::chrono::milliseconds timeout = 2s) const {
        return transport->call({.method = "VolumeDriver.Path", .request = "{}", .timeout = timeout});
    }
    Error failure(const std::string& answer, std::chrono::milliseconds timeout = 2s) const {
        const GarbageServer server(socket, GarbageServer::always(answer));
        return errorOf([&] { (void)call(timeout); });
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(http_transport, Fixture)

BOOST_AUTO_TEST_CASE(requests_look_like_dockers_with_a_host) {
    const GarbageServer server(socket, GarbageServer::always(GarbageServer::response(200, "{}")));
    BOOST_TEST(call() == "{}");
    const std::string request = server.requests().at(0);
    BOOST_TEST(request.starts_with("POST /VolumeDriver.Path HTTP/1.1\r\n"));
    BOOST_TEST(request.find("Accept: application/vnd.docker.plugins.v1.2+json\r\n") != std::string::npos);
    BOOST_TEST(request.find("Host: plugin.moby.localhost\r\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(connections_are_kept_and_a_closed_one_is_replaced) {
    {
        const GarbageServer server(socket, GarbageServer::always(GarbageServer::response(200, "{}")));
        for (int i = 0; i < 5; ++i) (void)call();
        BOOST_TEST(server.connections() == 1);
    }
    const GarbageServer server(socket, GarbageServer::always(GarbageServer::response(200, "{\"a\":1}")));
    BOOST_TEST(call() == "{\"a\":1}");
}

BOOST_AUTO_TEST_CASE(refusals_in_all_their_forms_are_errors) {
    Error e = failure(GarbageServer::response(500, R"({"Err":"no space in pool"})"));
    BOOST_TEST(e.text() == "VolumeDriver.Path: no space in pool");
    BOOST_TEST((e.code() == Code::system));
    BOOST_TEST(failure(GarbageServer::response(500, "plain text\n")).text() == "VolumeDriver.Path: plain text");
    BOOST_TEST(failure(GarbageServer::response(503, "")).text() == "VolumeDriver.Path: HTTP status 503");
    BOOST_TEST((failure(GarbageServer::response(404, "404 page not found")).code() == Code::unimplemented));
    e = failure(GarbageServer::response(500, R"({"Err":"volume x: in use","Error":"volume x: in use","Code":3,"Errno":16})"));
    BOOST_TEST((e.code() == Code::conflict));
    BOOST_TEST(e.text() == "volume x: in use");
    BOOST_TEST(e.sysErrno() == 16);
}

BOOST_AUTO_TEST_CASE(garbage_is_an_error_and_never_more) {
    const std::string garbage[] = {"not http at all\r\n\r\n", std::string(1000, '\0'), "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                                   GarbageServer::response(200, ""), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};
    for (const std::string& answer : garbage) BOOST_TEST((failure(answer).code() != Code::ok));
    const GarbageServer server(socket, GarbageServer::always(GarbageServer::response(200, "[1,2")));
    RemoteVolumeDriver driver(transport);
    const Error e = errorOf([&] { (void)driver.path("x"); });
    BOOST_TEST(e.text().starts_with("VolumeDriver.Path: bad reply: not JSON"), e.text());
}

BOOST_AUTO_TEST_CASE(an_answer_of_100_megabytes_isnt_read) {
    const std::string megabyte(1U << 20U, ' ');
    const GarbageServer server(socket, [&](const std::string&, int connection) {
        const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n";
        (void)::send(connection, head.data(), head.size(), MSG_NOSIGNAL);
        for (int i = 0; i < 100; ++i)
            if (::send(connection, megabyte.data(), megabyte.size(), MSG_NOSIGNAL) <= 0) return false;
        return false;
    });
    BOOST_TEST((errorOf([&] { (void)call(); }).code() == Code::invalid));
}

BOOST_AUTO_TEST_CASE(a_server_that_never_answers_meets_the_deadline) {
    const GarbageServer server(socket, [](const std::string&, int) { return true; });
    const auto begin = std::chrono::steady_clock::now();
    BOOST_TEST((errorOf([&] { (void)call(200ms); }).code() == Code::deadline));
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 1500ms));
}

BOOST_AUTO_TEST_CASE(chunks_without_end_meet_the_limit_or_the_deadline) {
    const GarbageServer server(socket, [](const std::string&, int connection) {
        std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        while (::send(connection, text.data(), text.size(), MSG_NOSIGNAL) > 0) text = "1\r\n \r\n";
        return false;
    });
    const Code code = errorOf([&] { (void)call(500ms); }).code();
    BOOST_TEST((code == Code::deadline || code == Code::invalid));
}

BOOST_AUTO_TEST_CASE(nobody_listening_is_unavailable_and_names_the_socket) {
    const Error e = errorOf([&] { (void)call(); });
    BOOST_TEST((e.code() == Code::unavailable));
    BOOST_TEST(e.text().find(socket.native()) != std::string::npos, e.text());
}

BOOST_AUTO_TEST_CASE(lenient_replies_are_understood) {
    const auto with = [this](const std::string& body, auto&& ask) {
        const GarbageServer server(socket, GarbageServer::always(GarbageServer::response(200, body)));
        RemoteVolumeDriver volumes(transport);
        RemoteIpamDriver ipam(transport);
        ask(volumes, ipam);
    };
    with(R"({"mountpoint":"/a","Err":null,"Extra":[{}]})", [](auto& v, auto&) { BOOST_TEST(v.path("x") == "/a"); });
    with(R"({"Mountpoint":"/a","Err":""})", [](auto& v, auto&) { BOOST_TEST(v.path("x") == "/a"); });
    with(R"({"Err":"gone"})", [](auto& v, auto&) {
        BOOST_TEST(errorOf([&] { (void)v.path("x"); }).text() == "gone");
        BOOST_TEST(!v.get("x").has_value());
        BOOST_TEST(v.capabilities().scope == "local");
    });
    with(R"({"Volume":null})", [](auto& v, auto&) { BOOST_TEST(!v.get("x").has_value()); });
    with(R"({"Volume":{"Name":"x","Status":null}})", [](auto& v, auto&) { BOOST_TEST(v.get("x")->status_json == "{}"); });
    with(R"({"Volumes":null})", [](auto& v, auto&) { BOOST_TEST(v.list().empty()); });
    with(R"({"Mountpoint":"../etc"})", [](auto& v, auto&) { BOOST_CHECK_THROW((void)v.mount("x", "i"), Error); });
    with(R"({"Error":"pool is empty"})", [](auto&, auto& i) {
        BOOST_TEST(errorOf([&] { (void)i.requestAddress({}); }).text() == "pool is empty");
    });
    with(R"({"Address":"10.0.0.2/24","Data":null})", [](auto&, auto& i) { BOOST_TEST(i.requestAddress({}).address == "10.0.0.2/24"); });
    with(R"({"Address":"10.0.0.2"})", [](auto&, auto& i) { BOOST_CHECK_THROW((void)i.requestAddress({}), Error); });
    with(std::string(65, '[') + std::string(65, ']'), [](auto& v, auto&) {
        BOOST_TEST(errorOf([&] { (void)v.path("x"); }).text().find("too deep") != std::string::npos);
    });
}

BOOST_AUTO_TEST_SUITE_END()
