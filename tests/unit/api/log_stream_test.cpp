#include "api/log_stream.hpp"

#include <boost/test/unit_test.hpp>

#include "api/attach.hpp"

using namespace davit;
using namespace davit::api;

BOOST_AUTO_TEST_SUITE(log_stream)

BOOST_AUTO_TEST_CASE(a_frame_names_its_stream_and_length) {
    const std::string framed = frame(2, std::string(300, 'x'));
    BOOST_TEST(framed.size() == 308U);
    BOOST_TEST((framed.substr(0, 8) == std::string("\x02\0\0\0\0\0\x01\x2c", 8)));
}

BOOST_AUTO_TEST_CASE(records_carry_time_and_attributes_in_front) {
    const runtime::LogRecord record{runtime::LogRecord::Stream::err,
                                    SystemTime(std::chrono::milliseconds(1500)),
                                    "hello\n",
                                    {{"a", "1"}, {"b", "2"}}};
    BOOST_TEST(formatRecord(record, {.tty = true}) == "hello\n");
    BOOST_TEST(formatRecord(record, {.tty = true, .timestamps = true}) == "1970-01-01T00:00:01.500000000Z hello\n");
    BOOST_TEST(formatRecord(record, {.tty = true, .details = true}) == "a=1,b=2 hello\n");
    BOOST_TEST(formatRecord(record, {})[0] == '\x02');
    const runtime::LogRecord whole{runtime::LogRecord::Stream::out, SystemTime(std::chrono::seconds(1)), "x", {}};
    BOOST_TEST(formatRecord(whole, {.tty = true, .timestamps = true}) == "1970-01-01T00:00:01.000000000Z x");
}

BOOST_AUTO_TEST_CASE(detach_keys_are_checked) {
    for (const char* good : {"", "a", "ctrl-a", "ctrl-p,ctrl-q", "x,ctrl-@,ctrl-\\"})
        BOOST_CHECK_NO_THROW(checkDetachKeys(good));
    for (const char* bad : {"ctrl-A", "ctrl-", "abc", "ctrl-p,,q", "ctrl-pp"})
        BOOST_CHECK_THROW(checkDetachKeys(bad), Error);
}

BOOST_AUTO_TEST_SUITE_END()
