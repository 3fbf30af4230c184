#include "api/errors.hpp"

#include <boost/test/unit_test.hpp>

#include "http/message.hpp"

using namespace davit;
using namespace davit::api;

BOOST_AUTO_TEST_SUITE(errors)

BOOST_AUTO_TEST_CASE(codes_have_their_status) {
    const std::pair<Code, unsigned> table[] = {
        {Code::invalid, 400},   {Code::not_found, 404},     {Code::conflict, 409},
        {Code::forbidden, 403}, {Code::unimplemented, 501}, {Code::unavailable, 503},
        {Code::cancelled, 499}, {Code::deadline, 500},      {Code::system, 500}};
    for (const auto& [code, status] : table) BOOST_TEST(statusOf(Error(code, "x")) == status);
    BOOST_TEST(statusOf(http::StatusError(413, "x")) == 413U);
}

BOOST_AUTO_TEST_CASE(bodies_are_json_whatever_the_text) {
    BOOST_TEST(errorBody("No such container: \"x\"\n") == "{\"message\":\"No such container: \\\"x\\\"\\n\"}\n");
    BOOST_TEST(streamedError("x") == "{\"errorDetail\":{\"message\":\"x\"},\"error\":\"x\"}\r\n");
}

BOOST_AUTO_TEST_SUITE_END()
