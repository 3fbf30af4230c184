#include "engine/names.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit::engine;

BOOST_AUTO_TEST_SUITE(names_suite)

BOOST_AUTO_TEST_CASE(follows_dockers_rule) {
    for (const char* name : {"ab", "a1", "web_1", "x.y-z", "0a"}) BOOST_TEST(isContainerName(name), name);
    for (const char* name : {"", "a", "-ab", ".ab", "a b", "a/b", "\xc3\xa4z", "a\n"}) BOOST_TEST(!isContainerName(name), name);
}

BOOST_AUTO_TEST_CASE(made_up_names_are_valid) {
    for (unsigned attempt = 0; attempt < 200; ++attempt) {
        const std::string name = randomName(attempt % 6);
        BOOST_TEST(isContainerName(name), name);
        BOOST_TEST(name.find('_') != std::string::npos);
    }
}

BOOST_AUTO_TEST_SUITE_END()
