#include "cli/formatter.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::cli;

namespace {

const ListFormat kList{"{{.ID}}\t{{.Names}}", {{"ID", "CONTAINER ID"}, {"Names", "NAMES"}}};

std::string shown(const std::string& format, bool quiet = false) {
    Formatter formatter(format, kList, quiet);
    for (const auto& [id, name] : {std::pair{"0123", "web"}, {"4567", "db"}}) {
        auto row = std::make_shared<tmpl::Record>();
        row->fields["ID"] = id;
        row->fields["Names"] = name;
        row->methods["Label"] = [](const tmpl::List& given) -> tmpl::Value { return "label-" + given.at(0).print(); };
        formatter.add(row);
    }
    return formatter.text();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(formatter)

BOOST_AUTO_TEST_CASE(tables_have_headers) {
    BOOST_TEST(shown("") == "CONTAINER ID   NAMES\n0123           web\n4567           db\n");
    BOOST_TEST(shown("table {{.Names}}\\t{{.ID}}") == "NAMES     CONTAINER ID\nweb       0123\ndb        4567\n");
    BOOST_TEST(shown("table {{upper .Names}}\\t{{.Label \"com.x.y\"}}") ==
               "NAMES     y\nWEB       label-com.x.y\nDB        label-com.x.y\n");
}

BOOST_AUTO_TEST_CASE(templates_and_json_have_none) {
    BOOST_TEST(shown("{{.Names}}") == "web\ndb\n");
    BOOST_TEST(shown("json") == "{\"ID\":\"0123\",\"Names\":\"web\"}\n{\"ID\":\"4567\",\"Names\":\"db\"}\n");
    BOOST_TEST(shown("", true) == "0123\n4567\n");
    BOOST_TEST(shown("{{.Names}}", true) == "web\ndb\n");
}

BOOST_AUTO_TEST_CASE(wrong_fields_are_errors) {
    BOOST_CHECK_EXCEPTION((void)shown("{{.Foo}}"), Error, [](const Error& error) {
        return error.text().starts_with(
            "failed to execute template: template: :1:2: executing \"\" at <.Foo>: can't evaluate field Foo");
    });
    BOOST_CHECK_THROW((void)shown("{{.Foo"), Error);
}

BOOST_AUTO_TEST_CASE(filters_are_sets_by_name) {
    BOOST_TEST(filtersJson({"status=running", "STATUS=exited", "label=a=b"}) ==
               R"({"label":{"a=b":true},"status":{"exited":true,"running":true}})");
    BOOST_TEST(filtersJson({}) == "");
    BOOST_CHECK_THROW((void)checkFilter("x"), Error);
    BOOST_TEST(checkFilter("a=b") == "a=b");
}

BOOST_AUTO_TEST_SUITE_END()
