#include "oci/glob.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using davit::oci::globMatch;

BOOST_AUTO_TEST_SUITE(glob)

BOOST_AUTO_TEST_CASE(patterns_match_as_in_go) {
    for (const auto& [pattern, name] : {std::pair{"abc", "abc"},
                                        {"*", "abc"},
                                        {"*c", "abc"},
                                        {"a*", "abc"},
                                        {"a*/b", "abc/b"},
                                        {"a*b*c*d*e*/f", "axbxcxdxe/f"},
                                        {"ab[c]", "abc"},
                                        {"ab[b-d]", "abc"},
                                        {"ab[^e-g]", "abc"},
                                        {"a\\*b", "a*b"},
                                        {"a???b", "axyzb"},
                                        {"", ""},
                                        {"*:1.*", "app:1.2"}})
        BOOST_TEST(globMatch(pattern, name), pattern << " " << name);
    for (const auto& [pattern, name] : {std::pair{"a*", "ab/c"},
                                        {"ab[e-g]", "abc"},
                                        {"ab[^c]", "abc"},
                                        {"a?b", "a/b"},
                                        {"a*/b", "a/c/b"},
                                        {"", "x"},
                                        {"x", ""},
                                        {"a\\*b", "ab"},
                                        {"*x", "xxxy"}})
        BOOST_TEST(!globMatch(pattern, name), pattern << " " << name);
}

BOOST_AUTO_TEST_CASE(a_bad_pattern_is_refused_whatever_the_name) {
    for (const char* pattern : {"[", "[^", "[^bc", "a[", "\\", "[a-]", "[-x]", "[]a]", "a[b-"})
        BOOST_CHECK_THROW((void)globMatch(pattern, ""), davit::Error);
}

BOOST_AUTO_TEST_CASE(many_stars_end_in_time) {
    BOOST_TEST(!globMatch(std::string(200, '*') + "b", std::string(5000, 'a')));
}

BOOST_AUTO_TEST_SUITE_END()
