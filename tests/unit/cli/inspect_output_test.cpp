#include "cli/inspect_output.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::cli;

BOOST_AUTO_TEST_SUITE(inspect_output)

BOOST_AUTO_TEST_CASE(the_array_keeps_order_and_texts) {
    InspectOutput output("");
    output.add("{\"b\":1.50,\"a\":{},\"c\":[],\"d\":[1,{\"x\":\"a\\\"{,\"}]}\n");
    BOOST_TEST(output.finish() ==
               "[\n    {\n        \"b\": 1.50,\n        \"a\": {},\n        \"c\": [],\n        \"d\": [\n            "
               "1,\n            {\n"
               "                \"x\": \"a\\\"{,\"\n            }\n        ]\n    }\n]\n");
}

BOOST_AUTO_TEST_CASE(nothing_found_is_an_empty_array) { BOOST_TEST(InspectOutput("").finish() == "[]\n"); }

BOOST_AUTO_TEST_CASE(templates_give_a_line_per_element) {
    InspectOutput output("{{.Name}}\\t{{.N}}");
    output.add(R"({"Name":"a","N":1})");
    output.add(R"({"Name":"b","N":2})");
    BOOST_TEST(output.finish() == "a\t1\nb\t2\n");
    BOOST_CHECK_THROW(InspectOutput("{{.Name"), Error);
}

BOOST_AUTO_TEST_SUITE_END()
