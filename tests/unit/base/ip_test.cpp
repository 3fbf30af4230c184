#include "base/ip.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit;

namespace {

IpPrefix prefix(std::string_view text) {
    const auto parsed = IpPrefix::parse(text);
    BOOST_REQUIRE_MESSAGE(parsed, text);
    return *parsed;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ip)

BOOST_AUTO_TEST_CASE(addresses_are_printed_as_they_were_read) {
    for (const char* text : {"0.0.0.0", "10.0.0.1", "255.255.255.255", "::", "fd00::1", "2001:db8:1:2:3:4:5:6"})
        BOOST_TEST(IpAddress::parse(text)->text() == text);
    BOOST_TEST(IpAddress::parse("FD00:0::01")->text() == "fd00::1");
    BOOST_TEST((IpAddress::parse("10.0.0.255")->number + 1 == IpAddress::parse("10.0.1.0")->number));
}

BOOST_AUTO_TEST_CASE(what_is_no_address_is_refused) {
    for (const std::string_view text : {"", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.4 ", " 1.2.3.4", "010.0.0.1x", "fe80::1%eth0", ":::", "1.2.3.4/8"})
        BOOST_TEST(!IpAddress::parse(text), text);
    BOOST_TEST(!IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
    for (const char* text : {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "fd00::/129", "/8"})
        BOOST_TEST(!IpPrefix::parse(text), text);
}

BOOST_AUTO_TEST_CASE(a_prefix_knows_its_ends) {
    BOOST_TEST(prefix("10.1.2.3/16").network().text() == "10.1.0.0/16");
    BOOST_TEST(prefix("10.1.2.3/16").last().text() == "10.1.255.255");
    BOOST_TEST(prefix("10.1.2.3/32").first().text() == "10.1.2.3");
    BOOST_TEST(prefix("1.2.3.4/0").first().text() == "0.0.0.0");
    BOOST_TEST(prefix("1.2.3.4/0").last().text() == "255.255.255.255");
    BOOST_TEST(prefix("fd00::1/64").last().text() == "fd00::ffff:ffff:ffff:ffff");
    BOOST_TEST(prefix("::/0").last().text() == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

BOOST_AUTO_TEST_CASE(containing_and_overlapping) {
    BOOST_TEST(prefix("10.0.0.0/8").contains(*IpAddress::parse("10.255.255.255")));
    BOOST_TEST(!prefix("10.0.0.0/8").contains(*IpAddress::parse("11.0.0.0")));
    BOOST_TEST(!prefix("0.0.0.0/0").contains(*IpAddress::parse("::1")));
    BOOST_TEST(prefix("10.0.0.0/8").contains(prefix("10.9.0.0/16")));
    BOOST_TEST(!prefix("10.9.0.0/16").contains(prefix("10.0.0.0/8")));
    BOOST_TEST(prefix("10.9.0.0/16").overlaps(prefix("10.0.0.0/8")));
    BOOST_TEST(!prefix("10.9.0.0/16").overlaps(prefix("10.10.0.0/16")));
    BOOST_TEST(!prefix("::/0").overlaps(prefix("0.0.0.0/0")));
}

BOOST_AUTO_TEST_SUITE_END()
