#include "cli/table.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit::cli;

BOOST_AUTO_TEST_SUITE(table)

BOOST_AUTO_TEST_CASE(columns_are_as_wide_as_their_widest_cell_plus_three) {
    BOOST_TEST(alignTable("CONTAINER ID\tIMAGE\tNAMES\n0123456789ab\tbusybox:latest\tx\n") ==
               "CONTAINER ID   IMAGE            NAMES\n0123456789ab   busybox:latest   x\n");
}

BOOST_AUTO_TEST_CASE(a_column_has_at_least_ten_characters) {
    BOOST_TEST(alignTable("A\tB\nc\td\n") == "A         B\nc         d\n");
}

BOOST_AUTO_TEST_CASE(an_empty_last_cell_leaves_the_padding) {
    BOOST_TEST(alignTable("NAME\tERROR\nx\t\n") == "NAME      ERROR\nx         \n");
}

BOOST_AUTO_TEST_CASE(a_line_without_the_column_ends_the_block) {
    BOOST_TEST(alignTable("long cell here\tx\nno tabs\na\tb\n") == "long cell here   x\nno tabs\na         b\n");
}

BOOST_AUTO_TEST_CASE(widths_count_characters) {
    BOOST_TEST(alignTable("\"/bin/sh -c 'while t…\"\tx\ny\tz\n") ==
               "\"/bin/sh -c 'while t…\"   x\ny                        z\n");
    BOOST_TEST(ellipsis("0123456789", 5) == "0123…");
    BOOST_TEST(ellipsis("ééééé", 3) == "éé…");
    BOOST_TEST(ellipsis("abc", 3) == "abc");
}

BOOST_AUTO_TEST_SUITE_END()
