#include "api/numbers.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::api;

namespace {
http::Query query(std::string_view text) { return http::Query::parse(text); }
}  // namespace

BOOST_AUTO_TEST_SUITE(numbers)

BOOST_AUTO_TEST_CASE(moments_are_seconds_with_a_fraction_or_rfc_3339) {
    const auto whole = readMoment(query("since=1700000000"), "since");
    BOOST_TEST(whole->time_since_epoch().count() == 1'700'000'000'000'000'000);
    const auto fraction = readMoment(query("since=1700000000.5"), "since");
    BOOST_TEST(fraction->time_since_epoch().count() == 1'700'000'000'500'000'000);
    const auto text = readMoment(query("since=2023-11-14T22:13:20Z"), "since");
    BOOST_TEST((text == whole));
    BOOST_TEST(!readMoment(query("since=0"), "since").has_value());
    BOOST_TEST(!readMoment(query(""), "since").has_value());
    for (const char* bad : {"since=x", "since=99999999999999999999", "since=10000000000000", "since=1.x"})
        BOOST_CHECK_THROW((void)readMoment(query(bad), "since"), Error);
}

BOOST_AUTO_TEST_CASE(terminal_sizes_have_bounds) {
    const TerminalSize size = readTerminalSize(query("h=24&w=80"));
    BOOST_TEST(size.height == 24U);
    BOOST_TEST(size.width == 80U);
    for (const char* bad : {"", "h=1", "h=x&w=1", "h=-1&w=1", "h=70000&w=1"})
        BOOST_CHECK_THROW((void)readTerminalSize(query(bad)), Error);
}

BOOST_AUTO_TEST_CASE(filters_come_in_two_spellings) {
    const auto modern = readFilters(query("filters=%7B%22label%22%3A%5B%22a%22%2C%22b%22%5D%7D"));
    BOOST_TEST((modern.at("label") == std::vector<std::string>{"a", "b"}));
    const auto old = readFilters(query("filters=%7B%22label%22%3A%7B%22a%22%3Atrue%2C%22b%22%3Afalse%7D%7D"));
    BOOST_TEST((old.at("label") == std::vector<std::string>{"a"}));
    BOOST_CHECK_THROW((void)readFilters(query("filters=%5B1%5D")), Error);
}

BOOST_AUTO_TEST_SUITE_END()
