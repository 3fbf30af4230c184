#include "cli/terminal.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::cli;

BOOST_AUTO_TEST_SUITE(terminal)

BOOST_AUTO_TEST_CASE(detach_keys_are_control_codes) {
    BOOST_TEST(parseDetachKeys("ctrl-p,ctrl-q") == "\x10\x11");
    BOOST_TEST(parseDetachKeys("a,ctrl-\\,ctrl-[") == "a\x1c\x1b");
    BOOST_TEST(parseDetachKeys("ctrl-@").size() == 1U);
    BOOST_CHECK_THROW((void)parseDetachKeys("foo-"), Error);
    BOOST_CHECK_THROW((void)parseDetachKeys("ctrl-1"), Error);
}

BOOST_AUTO_TEST_CASE(the_sequence_detaches_even_in_pieces) {
    DetachFilter filter("\x10\x11");
    BOOST_TEST(filter.feed("ab\x10") == "ab");
    BOOST_TEST(!filter.detached());
    BOOST_TEST(filter.feed("\x11rest") == "");
    BOOST_TEST(filter.detached());
}

BOOST_AUTO_TEST_CASE(half_a_sequence_is_passed_on_with_what_follows) {
    DetachFilter filter("\x10\x11");
    BOOST_TEST(filter.feed("\x10") == "");
    BOOST_TEST(filter.feed("x") == "\x10x");
    BOOST_TEST(filter.feed("\x10\x10") == "\x10");
    BOOST_TEST(filter.feed("\x11") == "");
    BOOST_TEST(filter.detached());
}

BOOST_AUTO_TEST_CASE(without_keys_all_passes) {
    DetachFilter filter("");
    BOOST_TEST(filter.feed("\x10\x11") == "\x10\x11");
    BOOST_TEST(!filter.detached());
}

BOOST_AUTO_TEST_SUITE_END()
