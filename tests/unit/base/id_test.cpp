#include "base/id.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

using namespace davit;

BOOST_AUTO_TEST_SUITE(id_)

BOOST_AUTO_TEST_CASE(random_ids_are_64_hex_and_differ) {
    const std::string id = randomId();
    BOOST_TEST(id.size() == 64U);
    BOOST_TEST(id.find_first_not_of("0123456789abcdef") == std::string::npos);
    BOOST_TEST(id != randomId());
}

BOOST_AUTO_TEST_CASE(short_id_drops_the_algorithm) {
    BOOST_TEST(shortId("sha256:0123456789abcdef") == "0123456789ab");
    BOOST_TEST(shortId("abc") == "abc");
}

BOOST_AUTO_TEST_SUITE_END()
