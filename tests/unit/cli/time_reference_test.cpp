#include "cli/time_reference.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit::cli;

BOOST_AUTO_TEST_SUITE(time_reference)

BOOST_AUTO_TEST_CASE(durations_count_back_from_now) {
    const auto now = std::chrono::system_clock::time_point(std::chrono::seconds(10'000));
    BOOST_TEST(timeReference("10m", now) == "9400");
    BOOST_TEST(timeReference("1h30m", now) == "4600");
}

BOOST_AUTO_TEST_CASE(dates_become_seconds) {
    const auto now = std::chrono::system_clock::now();
    BOOST_TEST(timeReference("2013-01-02T13:23:37Z", now) == "1357133017.000000000");
    BOOST_TEST(timeReference("2013-01-02T13:23:37.5+01:00", now) == "1357129417.500000000");
    BOOST_TEST(timeReference("2013-01-02Z", now) == "1357084800.000000000");
    BOOST_TEST(timeReference("1357133017.25", now) == "1357133017.25");
    BOOST_TEST(timeReference("nonsense", now) == "nonsense");
}

BOOST_AUTO_TEST_SUITE_END()
