#include "http/message.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit;
using namespace davit::http;

BOOST_AUTO_TEST_SUITE(message)

BOOST_AUTO_TEST_CASE(header_names_compare_in_any_case) {
    Headers headers{{"Content-Type", "text/plain"}, {"Connection", "keep-alive, Upgrade"}};
    BOOST_TEST(headers.value("content-type") == "text/plain");
    BOOST_TEST(headers.hasToken("CONNECTION", "upgrade"));
    BOOST_TEST(!headers.hasToken("Connection", "Upgrad"));
    headers.set("CONTENT-type", "x");
    BOOST_TEST(headers.count("Content-Type") == 1U);
    BOOST_TEST(headers.value("Content-Type") == "x");
}

BOOST_AUTO_TEST_CASE(query_decodes_names_and_values) {
    const Query query = Query::parse("a=1&filters=%7B%22x%22%3A1%7D&b+c=d+e&a=2&&flag");
    BOOST_TEST(query.get("a") == "1");
    BOOST_TEST(query.all("a").size() == 2U);
    BOOST_TEST(query.get("filters") == "{\"x\":1}");
    BOOST_TEST(query.get("b c") == "d e");
    BOOST_TEST(query.has("flag"));
    BOOST_CHECK_THROW((void)Query::parse("a=%g1"), Error);
    BOOST_CHECK_THROW((void)Query::parse("a=%1"), Error);
}

BOOST_AUTO_TEST_CASE(query_flags_follow_docker) {
    const Query query = Query::parse("a=1&b=0&c=false&d=None&e=&f=true&g=yes&h=NO");
    for (const char* name : {"a", "f", "g"}) BOOST_TEST(query.flag(name));
    for (const char* name : {"b", "c", "d", "e", "h", "absent"}) BOOST_TEST(!query.flag(name));
    BOOST_TEST(query.flag("absent", true));
}

BOOST_AUTO_TEST_CASE(query_numbers_speak_like_go) {
    const Query query = Query::parse("n=12&m=-1&bad=1x&big=99999999999999999999");
    BOOST_TEST(*query.integer("n") == 12);
    BOOST_TEST(*query.integer("m") == -1);
    BOOST_TEST(!query.integer("none").has_value());
    BOOST_CHECK_EXCEPTION((void)query.integer("bad"), Error, [](const Error& failure) {
        return failure.text() == "strconv.ParseInt: parsing \"1x\": invalid syntax";
    });
    BOOST_CHECK_THROW((void)query.integer("big"), Error);
}

BOOST_AUTO_TEST_CASE(percent_encoding_round_trip) {
    const std::string text = "a b/c:d%\xff\n";
    BOOST_TEST(*percentDecode(percentEncode(text)) == text);
    BOOST_TEST(percentEncode("a/b", "/") == "a/b");
}

BOOST_AUTO_TEST_SUITE_END()
