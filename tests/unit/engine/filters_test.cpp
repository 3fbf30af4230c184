#include "engine/filters.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using davit::Error;
using davit::engine::Filters;

BOOST_AUTO_TEST_SUITE(filters_suite)

BOOST_AUTO_TEST_CASE(reads_both_spellings) {
    const Filters now = Filters::parse(R"({"label":["a=b","c"],"status":["exited"]})");
    const Filters old = Filters::parse(R"({"label":{"a=b":true,"c":true,"d":false},"status":{"exited":true}})");
    for (const Filters* filters : {&now, &old}) {
        BOOST_TEST(filters->values("label").size() == 2);
        BOOST_TEST(filters->matchExact("status", "exited"));
        BOOST_TEST(!filters->matchExact("status", "running"));
    }
    BOOST_TEST(Filters::parse("").empty());
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_filter) {
    for (const char* text : {"{", "[]", "12", R"({"a":"b"})", R"({"a":[1]})"})
        BOOST_CHECK_THROW((void)Filters::parse(text), Error);
    BOOST_CHECK_EXCEPTION(Filters::parse(R"({"nonsense":["x"]})").allowOnly({"name"}), Error,
                          [](const Error& failure) { return failure.text() == "invalid filter 'nonsense'"; });
}

BOOST_AUTO_TEST_CASE(absent_filters_match_everything) {
    const Filters none;
    BOOST_TEST(none.matchExact("status", "x"));
    BOOST_TEST(none.matchFuzzy("name", "x"));
    BOOST_TEST(none.matchFuzzyId("abc"));
    BOOST_TEST(none.matchLabels("label", {}));
}

BOOST_AUTO_TEST_CASE(names_match_as_part_or_expression) {
    const Filters filters = Filters::parse(R"({"name":["^/web[0-9]$","db"]})");
    BOOST_TEST(filters.matchFuzzy("name", "/web1"));
    BOOST_TEST(!filters.matchFuzzy("name", "/web12"));
    BOOST_TEST(filters.matchFuzzy("name", "/my-db-2"));
    BOOST_TEST(!filters.matchFuzzy("name", "/cache"));
    BOOST_TEST(!Filters::parse(R"({"name":["(("]})").matchFuzzy("name", "x"));
}

BOOST_AUTO_TEST_CASE(labels_have_all_to_hold) {
    const Filters filters = Filters::parse(R"({"label":["tier=db","team"]})");
    BOOST_TEST(filters.matchLabels("label", {{"tier", "db"}, {"team", "x"}}));
    BOOST_TEST(!filters.matchLabels("label", {{"tier", "db"}}));
    BOOST_TEST(!filters.matchLabels("label", {{"tier", "web"}, {"team", "x"}}));
}

BOOST_AUTO_TEST_SUITE_END()
