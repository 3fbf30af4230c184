#include "plugin/probe.hpp"

#include <boost/test/unit_test.hpp>
#include <thread>

#include "plugin_fixtures.hpp"

using namespace davit;
using namespace davit::plugin;
using namespace davit::plugin::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(probing)

BOOST_AUTO_TEST_CASE(a_sound_plugin_says_what_it_is) {
    const ProbeResult result = probe(hostBinary(), fixture("rude2"));
    BOOST_TEST(result.name == "rude");
    BOOST_TEST(result.version == "2.0");
    BOOST_TEST(result.abi_major == 1U);
    BOOST_REQUIRE(result.drivers.size() == 1U);
    BOOST_TEST((result.drivers[0].kind == DriverKind::volume));
    BOOST_TEST(result.drivers[0].description == "does what it is told");
}

BOOST_AUTO_TEST_CASE(what_breaks_while_loading_costs_the_child_only) {
    const auto text = [](const char* name, std::chrono::milliseconds timeout = 10s) {
        return errorOf([&] { (void)probe(hostBinary(), fixture(name), timeout); }).text();
    };
    BOOST_TEST(text("broken_crash").find("crashed while it was loaded (Segmentation fault)") != std::string::npos);
    BOOST_TEST(text("broken_exit").find("ended the process while it was loaded (exit code 7)") != std::string::npos);
    BOOST_TEST(text("broken_hang", 300ms).find("didn't finish loading within 300 ms") != std::string::npos);
    BOOST_TEST(text("broken_major").find("made for plugin ABI 2") != std::string::npos);
    BOOST_TEST(text("no-such-file").find("No such file") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_a_constructor_prints_is_not_taken_for_the_answer) {
    BOOST_TEST(probe(hostBinary(), fixture("broken_noise")).name == "broken");
}

BOOST_AUTO_TEST_SUITE_END()
