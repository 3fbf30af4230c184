#include "http/listener.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "base/file.hpp"

using namespace davit;
using namespace davit::http;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(listener)

BOOST_AUTO_TEST_CASE(a_unix_socket_has_its_mode_and_a_dead_one_is_replaced) {
    const TempDir directory;
    const std::string path = directory.path() / "x.sock";
    { const Listener first = listenUnix({.path = path}); }
    const Listener second = listenUnix({.path = path, .mode = 0600});
    struct stat info {};
    BOOST_TEST_REQUIRE(::stat(path.c_str(), &info) == 0);
    BOOST_TEST((info.st_mode & 0777U) == 0600U);
    const auto stream = connectUnix(path, after(1s));
    BOOST_TEST(stream->fd() >= 0);
}

BOOST_AUTO_TEST_CASE(a_living_socket_is_a_conflict) {
    const TempDir directory;
    const std::string path = directory.path() / "x.sock";
    const Listener first = listenUnix({.path = path});
    BOOST_CHECK_EXCEPTION((void)listenUnix({.path = path}), Error,
                          [](const Error& failure) { return failure.code() == Code::conflict; });
}

BOOST_AUTO_TEST_CASE(a_file_in_the_way_is_left_alone) {
    const TempDir directory;
    const std::string path = directory.path() / "x.sock";
    writeFileAtomically(path, "precious");
    BOOST_CHECK_THROW((void)listenUnix({.path = path}), Error);
    BOOST_TEST(*readFile(path) == "precious");
}

BOOST_AUTO_TEST_CASE(loopback_is_known) {
    for (const char* host : {"localhost", "127.0.0.1", "127.1.2.3", "::1"}) BOOST_TEST(isLoopback(host));
    for (const char* host : {"", "0.0.0.0", "::", "10.0.0.1", "example.org"}) BOOST_TEST(!isLoopback(host));
}

BOOST_AUTO_TEST_CASE(refused_connections_speak_like_go) {
    const TempDir directory;
    const std::string path = directory.path() / "none.sock";
    BOOST_CHECK_EXCEPTION((void)connectUnix(path, after(1s)), Error, [&](const Error& failure) {
        return failure.text() == "dial unix " + path + ": connect: no such file or directory";
    });
}

BOOST_AUTO_TEST_CASE(only_a_listening_socket_is_adopted) {
    int pair[2];
    BOOST_TEST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    const UniqueFd other(pair[1]);
    BOOST_CHECK_THROW((void)adoptListener(UniqueFd(pair[0])), Error);
    Listener tcp = listenTcp("127.0.0.1", 0);
    const auto port = boundPort(tcp);
    const Listener adopted = adoptListener(std::move(tcp.socket));
    BOOST_TEST(boundPort(adopted) == port);
    BOOST_TEST((adopted.transport == Transport::tcp));
}

BOOST_AUTO_TEST_SUITE_END()
