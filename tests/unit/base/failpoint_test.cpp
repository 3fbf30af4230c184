#include "base/failpoint.hpp"

#include <boost/test/unit_test.hpp>
#include <stdexcept>

#include "base/error.hpp"

using namespace davit;

BOOST_AUTO_TEST_SUITE(failpoint_suite)

BOOST_AUTO_TEST_CASE(parses_counts_arguments_and_sequences) {
    const auto points = failpoint::parse("a.b=2*off->1*abort;c=delay(30);d=error(ENOSPC)");
    BOOST_REQUIRE_EQUAL(points.size(), 3);
    BOOST_TEST(points[0].name == "a.b");
    BOOST_REQUIRE_EQUAL(points[0].actions.size(), 2);
    BOOST_TEST(points[0].actions[0].remaining == 2);
    BOOST_TEST((points[0].actions[1].kind == failpoint::Action::Kind::abort));
    BOOST_TEST(points[1].actions[0].argument == 30);
    BOOST_TEST(points[2].actions[0].argument == ENOSPC);
}

BOOST_AUTO_TEST_CASE(refuses_what_it_does_not_understand) {
    for (const char* text : {"a", "a=explode", "a=delay(x)", "a=x*off", "a=delay(3"})
        BOOST_CHECK_THROW((void)failpoint::parse(text), Error);
}

BOOST_AUTO_TEST_CASE(hits_follow_the_sequence_and_then_nothing_happens) {
    failpoint::configure("p=2*off->1*error(EIO)->1*panic");
    failpoint::hit("p");
    failpoint::hit("other");
    failpoint::hit("p");
    BOOST_CHECK_EXCEPTION(failpoint::hit("p"), Error, [](const Error& failure) { return failure.sysErrno() == EIO; });
    BOOST_CHECK_THROW(failpoint::hit("p"), std::runtime_error);
    failpoint::hit("p");
    failpoint::configure("");
}

BOOST_AUTO_TEST_SUITE_END()
