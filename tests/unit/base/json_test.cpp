#include "base/json.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit;

BOOST_AUTO_TEST_SUITE(json_)

BOOST_AUTO_TEST_CASE(absent_and_null_are_the_zero_value) {
    const auto document = json::Document::parse(R"({"a":null})");
    BOOST_TEST(document.root()["a"]["b"].string() == "");
    BOOST_TEST(document.root()["x"].integer(7) == 7);
    BOOST_TEST(document.root()["x"].array().empty());
}

BOOST_AUTO_TEST_CASE(names_match_in_any_case_and_the_last_of_several_counts) {
    const auto document = json::Document::parse(R"({"HOSTNAME":"h","a":1,"a":2})");
    BOOST_TEST(document.root()["Hostname"].string() == "h");
    BOOST_TEST(document.root()["a"].integer() == 2);
}

BOOST_AUTO_TEST_CASE(two_spellings_of_one_member_are_refused) {
    const auto document = json::Document::parse(R"({"Privileged":false,"privileged":true})");
    BOOST_CHECK_THROW((void)document.root()["Privileged"], Error);
    BOOST_CHECK_THROW((void)document.root()["PRIVILEGED"], Error);
}

BOOST_AUTO_TEST_CASE(free_keys_may_differ_in_case) {
    const auto labels = json::Document::parse(R"({"Owner":"a","owner":"b"})").root().stringMap();
    BOOST_TEST(labels.size() == 2U);
    BOOST_TEST(labels.at("owner") == "b");
}

BOOST_AUTO_TEST_CASE(another_type_is_an_error) {
    const auto document = json::Document::parse(R"({"n":"1"})");
    BOOST_CHECK_THROW((void)document.root()["n"].integer(), Error);
}

BOOST_AUTO_TEST_CASE(depth_is_bounded_without_recursion) {
    const std::string deep(1'000'000, '[');
    BOOST_CHECK_THROW((void)json::Document::parse(deep), Error);
    const std::string closed = std::string(101, '[') + std::string(101, ']');
    BOOST_CHECK_THROW((void)json::Document::parse(closed), Error);
    BOOST_CHECK_NO_THROW((void)json::Document::parse(closed, 101));
}

BOOST_AUTO_TEST_CASE(iteration_keeps_the_order) {
    const auto document = json::Document::parse(R"({"b":1,"a":[2,3]})");
    std::string names;
    for (const auto [name, value] : document.root().object()) names += name;
    BOOST_TEST(names == "ba");
    std::int64_t sum = 0;
    for (const json::Value value : document.root()["a"].array()) sum += value.integer();
    BOOST_TEST(sum == 5);
}

BOOST_AUTO_TEST_CASE(writer_escapes_and_cleans) {
    json::Writer out;
    out.object([&] {
        out.member("k\"", std::string_view("<\xff\n\x01>"));
        out.array("l", [&] { out.value(1).value(true).null(); });
    });
    BOOST_TEST(out.text() == R"({"k\"":"\u003c\ufffd\n\u0001\u003e","l":[1,true,null]})");
}

BOOST_AUTO_TEST_SUITE_END()
