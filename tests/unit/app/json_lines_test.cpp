#include "app/json_lines.hpp"

#include <boost/test/unit_test.hpp>

using davit::app::JsonLines;
using davit::app::lineAt;

BOOST_AUTO_TEST_SUITE(json_lines_suite)

BOOST_AUTO_TEST_CASE(members_have_lines) {
    const JsonLines lines(R"({
  "debug": true,
  "hosts": ["a: \"b\"",
            "debug"],
  "runtimes": {
    "runc": {"path": "x"}
  },
  "group": "g"
})");
    BOOST_TEST(lines.of("debug") == 2);
    BOOST_TEST(lines.of("hosts") == 3);
    BOOST_TEST(lines.of("runtimes.runc") == 6);
    BOOST_TEST(lines.of("runtimes.runc.path") == 6);
    BOOST_TEST(lines.of("group") == 8);
    BOOST_TEST(lines.of("runc") == 0);
}

BOOST_AUTO_TEST_CASE(offsets_have_lines) {
    BOOST_TEST(lineAt("a\nb\nc", 0) == 1);
    BOOST_TEST(lineAt("a\nb\nc", 2) == 2);
    BOOST_TEST(lineAt("a\nb\nc", 99) == 3);
}

BOOST_AUTO_TEST_SUITE_END()
