#include "base/clock.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit;

BOOST_AUTO_TEST_SUITE(clock_)

BOOST_AUTO_TEST_CASE(formats_as_go_does) {
    const SystemTime time{std::chrono::seconds{1'700'000'000} + std::chrono::nanoseconds{120'000'000}};
    BOOST_TEST(formatRfc3339(time) == "2023-11-14T22:13:20.12Z");
    BOOST_TEST(formatRfc3339(SystemTime{std::chrono::seconds{-1}}) == "1969-12-31T23:59:59Z");
}

BOOST_AUTO_TEST_CASE(what_is_formatted_parses_to_the_same) {
    const SystemTime time = now();
    BOOST_TEST((parseRfc3339(formatRfc3339(time)) == time));
}

BOOST_AUTO_TEST_CASE(offsets_are_applied) {
    BOOST_TEST((parseRfc3339("2023-11-15T00:13:20+02:00") == SystemTime{std::chrono::seconds{1'700'000'000}}));
}

BOOST_AUTO_TEST_CASE(what_is_no_time_is_nothing) {
    for (const auto* text : {"", "0001-01-01T00:00:00Z", "2023-11-14", "2023-13-14T22:13:20Z", "2023-11-14T22:13:20",
                             "2023-11-14T22:13:20Zx"})
        BOOST_TEST(!parseRfc3339(text));
}

BOOST_AUTO_TEST_SUITE_END()
