#include <boost/test/unit_test.hpp>
#include <stdexcept>

#include "davit/sdk.hpp"

using namespace davit;

namespace {

struct Buffer {
    explicit Buffer(std::size_t size) : text(size, '#') { error = {sizeof(davit_error), 0, 0, size, text.data()}; }
    std::string text;
    davit_error error{};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(glue)

BOOST_AUTO_TEST_CASE(guard_turns_everything_thrown_into_a_code_and_a_text) {
    Buffer buffer(64);
    BOOST_TEST(guard(&buffer.error, [] {}) == DAVIT_OK);
    BOOST_TEST(guard(&buffer.error, [] { throw Error(Code::conflict, "x: in use", EBUSY); }) == DAVIT_CONFLICT);
    BOOST_TEST(buffer.text.c_str() == std::string("x: in use"));
    BOOST_TEST(buffer.error.sys_errno == EBUSY);
    BOOST_TEST(guard(&buffer.error, [] { throw std::logic_error("plain"); }) == DAVIT_SYSTEM);
    BOOST_TEST(guard(&buffer.error, [] { throw 1; }) == DAVIT_SYSTEM);
    BOOST_TEST(guard(&buffer.error, [] { throw Error(Code::ok, "not an error"); }) == DAVIT_SYSTEM);
    BOOST_TEST(guard(nullptr, [] { throw 1; }) == DAVIT_SYSTEM);
}

BOOST_AUTO_TEST_CASE(long_texts_are_cut_at_a_characters_border) {
    Buffer buffer(8);
    (void)setError(&buffer.error, Code::invalid, 0, "123456ä9");
    BOOST_TEST(buffer.text.c_str() == std::string("123456"));
    Buffer tiny(1);
    (void)setError(&tiny.error, Code::invalid, 0, "text");
    BOOST_TEST(tiny.text.at(0) == '\0');
}

BOOST_AUTO_TEST_CASE(configuration_members_that_nobody_asked_for_are_refused) {
    const DriverContext context(R"({"Root":"/r","Retries":3,"Strict":true,"Names":["a"],"Typo":1})");
    DriverConfig config(context);
    BOOST_TEST(config.string("Root") == "/r");
    BOOST_TEST(config.integer("Retries", 1) == 3);
    BOOST_TEST(config.boolean("Strict"));
    BOOST_TEST(config.strings("Names").at(0) == "a");
    BOOST_TEST(config.string("Absent", "fallback") == "fallback");
    BOOST_CHECK_THROW(config.finish(), Error);
    BOOST_TEST(config.integer("Typo") == 1);
    BOOST_CHECK_NO_THROW(config.finish());
}

BOOST_AUTO_TEST_CASE(outside_of_a_call_there_is_no_deadline_and_no_cancellation) {
    BOOST_TEST(!CurrentCall::remainingMs().has_value());
    BOOST_TEST(!CurrentCall::cancelled());
}

BOOST_AUTO_TEST_SUITE_END()
