#include "engine/time_filter.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::engine;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(moments_are_read_as_clients_write_them) {
    const SystemTime at = SystemTime(1'700'000'000s);
    BOOST_TEST((parseMoment("24h", at) == at - 24h));
    BOOST_TEST((parseMoment("1h30m10s", at) == at - 1h - 30min - 10s));
    BOOST_TEST((parseMoment("1500ms", at) == at - 1500ms));
    BOOST_TEST((parseMoment("1700000001", at) == at + 1s));
    BOOST_TEST((parseMoment("2023-11-14T22:13:20Z", at) == at));
    for (const char* wrong : {"", "h", "5x", "yesterday", "-5h"}) BOOST_TEST(!parseMoment(wrong, at));
}

BOOST_AUTO_TEST_CASE(one_until_is_enough) {
    Filters filters;
    BOOST_TEST(!untilFilter(filters));
    filters.add("until", "1h");
    BOOST_TEST(untilFilter(filters).has_value());
    filters.add("until", "2h");
    BOOST_CHECK_THROW((void)untilFilter(filters), Error);
}
