#include "resolver/protocol.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "messages.hpp"

using namespace davit;
using namespace davit::resolver;
using test::ip;
using Operation = Message::Operation;

BOOST_AUTO_TEST_SUITE(protocol_suite)

BOOST_AUTO_TEST_CASE(every_message_comes_back_as_it_was) {
    const SandboxNames names{.id = "s1",
                             .memberships = {{"n1", "net \"x\"", {"a", "b"}, {ip("10.0.0.2"), ip("fd00::2")}, {{"link", "a"}}}, {"n2", "other", {}, {}, {}}},
                             .upstreams = {{"10.0.0.1", false}, {"fe80::1%eth0", true}},
                             .forward = false,
                             .ndots_set = true};
    const Message set = decode(encode({.operation = Operation::set, .names = names}));
    BOOST_TEST((set.operation == Operation::set));
    BOOST_TEST((set.names == names));
    for (const Operation operation : {Operation::begin, Operation::end, Operation::done})
        BOOST_TEST((decode(encode({.operation = operation})).operation == operation));
    BOOST_TEST(decode(encode({.operation = Operation::hello, .version = 7})).version == 7);
    BOOST_TEST(decode(encode({.operation = Operation::need, .id = "s1"})).id == "s1");
    BOOST_TEST(decode(encode({.operation = Operation::remove, .id = "s1"})).id == "s1");
}

BOOST_AUTO_TEST_CASE(what_a_later_version_adds_is_ignored) {
    BOOST_TEST((decode(R"({"Op":"sing","Song":[1]})").operation == Operation::unknown));
    BOOST_TEST(decode(R"({"Op":"set","Extra":{},"Sandbox":{"ID":"x","Colour":"red"}})").names.id == "x");
}

BOOST_AUTO_TEST_CASE(nonsense_is_refused) {
    for (const char* text : {"", "[]", "{", R"({"Op":7})", R"({"Op":"set","Sandbox":{"Memberships":[{"Addresses":["10.0.0.x"]}]}})"})
        BOOST_CHECK_THROW((void)decode(text), Error);
}

BOOST_AUTO_TEST_SUITE_END()
