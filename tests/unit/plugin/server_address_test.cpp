#include "plugin/server_address.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::plugin;

BOOST_AUTO_TEST_SUITE(server_address)

BOOST_AUTO_TEST_CASE(the_forms_of_spec_files_are_understood) {
    BOOST_TEST(parseAddress(" unix:///run/x.sock\n").path == "/run/x.sock");
    BOOST_TEST(parseAddress("tcp://localhost:8080").text() == "tcp://localhost:8080");
    BOOST_TEST(parseAddress("http://[::1]:80/ignored").text() == "tcp://[::1]:80");
    BOOST_TEST((parseAddress("https://h:1").scheme == ServerAddress::Scheme::tls));
    BOOST_TEST(parseAddress("unix:///a").hostField() == "plugin.moby.localhost");
    for (const char* bad : {"/run/x.sock", "", "ftp://x:1", "tcp://x", "tcp://x:", "tcp://:1", "tcp://x:0", "tcp://x:99999",
                            "unix://relative"})
        BOOST_CHECK_THROW((void)parseAddress(bad), Error);
}

BOOST_AUTO_TEST_CASE(json_files_follow_dockers_rules_for_tls) {
    const auto plain = parseAddressFile(R"({"Name":"ignored","Addr":"http://h:1"})");
    BOOST_TEST((plain.scheme == ServerAddress::Scheme::tcp));
    const auto open = parseAddressFile(R"({"Addr":"https://h:1","TLSConfig":{"CertFile":"c","KeyFile":"k"}})");
    BOOST_TEST(!open.verify);
    const auto checked = parseAddressFile(R"({"Addr":"https://h:1","TLSConfig":{"CAFile":"ca"}})");
    BOOST_TEST(checked.verify);
    BOOST_TEST(checked.tls.ca == "ca");
    BOOST_TEST(!parseAddressFile(R"({"Addr":"https://h:1","TLSConfig":{"CAFile":"ca","InsecureSkipVerify":true}})").verify);
    BOOST_CHECK_THROW((void)parseAddressFile("{}"), Error);
    BOOST_CHECK_THROW((void)parseAddressFile("garbage"), Error);
}

BOOST_AUTO_TEST_SUITE_END()
