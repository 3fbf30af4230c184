#include "linux/capability.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::linux;

BOOST_AUTO_TEST_SUITE(capability_)

BOOST_AUTO_TEST_CASE(default_set_is_dockers) {
    BOOST_TEST(capabilityMask(defaultCapabilities()) == 0xa80425fbU);
    BOOST_TEST(defaultCapabilities().size() == 14U);
}

BOOST_AUTO_TEST_CASE(names_are_normalised_and_unknown_ones_refused) {
    const auto names = normalizeCapabilities({"net_admin", "CAP_sys_time", "all"});
    BOOST_TEST(names == (std::vector<std::string>{"CAP_NET_ADMIN", "CAP_SYS_TIME", "ALL"}), boost::test_tools::per_element());
    try {
        (void)normalizeCapabilities({"fly"});
        BOOST_ERROR("accepted");
    } catch (const Error& failure) {
        BOOST_TEST(failure.text() == "unknown capability: \"CAP_FLY\"");
    }
}

BOOST_AUTO_TEST_CASE(add_and_drop_follow_docker) {
    BOOST_TEST(capabilityMask(tweakCapabilities({}, {})) == 0xa80425fbU);
    BOOST_TEST(tweakCapabilities({}, {"ALL"}).empty());
    BOOST_TEST(tweakCapabilities({"CAP_CHOWN"}, {"ALL"}).size() == 1U);
    BOOST_TEST(tweakCapabilities({"CAP_NET_ADMIN"}, {"CAP_CHOWN"}).size() == 14U);
    const auto all_but = tweakCapabilities({"ALL"}, {"CAP_SYS_ADMIN"});
    BOOST_TEST(all_but.size() + 1 == allCapabilities().size());
}

BOOST_AUTO_TEST_SUITE_END()
