#include "api/hosts.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "base/file.hpp"

using namespace davit;
using namespace davit::api;

BOOST_AUTO_TEST_SUITE(hosts)

BOOST_AUTO_TEST_CASE(unix_and_loopback_are_opened) {
    const TempDir directory;
    const std::string path = directory.path() / "d.sock";
    BOOST_TEST(openHost("unix://" + path, {.group = "0"}).at(0).name == "unix://" + path);
    const auto tcp = openHost("tcp://127.0.0.1:0", {});
    BOOST_TEST(http::boundPort(tcp.at(0)) != 0U);
    BOOST_TEST(http::boundPort(openHost("localhost:0", {}).at(0)) != 0U);
}

BOOST_AUTO_TEST_CASE(sec_51_tcp_without_tls_is_loopback_only) {
    for (const char* host : {"tcp://0.0.0.0:0", "tcp://[::]:0", "tcp://example.org:0", "0.0.0.0:0"})
        BOOST_CHECK_EXCEPTION((void)openHost(host, {}), Error, [](const Error& failure) {
            return failure.code() == Code::invalid && failure.text().find("without TLS") != std::string::npos;
        });
}

BOOST_AUTO_TEST_CASE(other_forms_are_refused) {
    for (const char* host : {"", "http://x", "tcp://127.0.0.1:x", "tcp://[::1", "fd://"})
        BOOST_CHECK_THROW((void)openHost(host, {}), Error);
    BOOST_CHECK_THROW((void)openHost("unix:///tmp/x", {.group = "no-such-group-here"}), Error);
}

BOOST_AUTO_TEST_SUITE_END()
