#include "cli/flags.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit;
using namespace davit::cli;
using Texts = std::vector<std::string>;

namespace {

struct Sample {
    FlagSet flags;
    bool interactive = false;
    bool tty = false;
    bool proxy = true;
    std::string name;
    Texts publish;
    std::int64_t last = -1;

    Sample() {
        flags.boolean(&interactive, "interactive", 'i', "Keep STDIN open")
            .boolean(&tty, "tty", 't', "Allocate a pseudo-TTY")
            .boolean(&proxy, "sig-proxy", '\0', "Proxy signals")
            .string(&name, "name", '\0', "Assign a name")
            .list(&publish, "publish", 'p', "Publish a port")
            .integer(&last, "last", 'n', "Show n last containers");
    }
    std::string failure(const Texts& words) {
        try {
            (void)flags.parse(words);
        } catch (const FlagError& error) {
            return error.text();
        }
        return "";
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(flags)

BOOST_AUTO_TEST_CASE(bundles_and_attached_values_are_taken_apart) {
    Sample s;
    const Texts rest = s.flags.parse({"-it", "-p80", "-p=81", "-p", "82", "--publish=83", "--publish", "84", "image"});
    BOOST_TEST(rest == Texts{"image"}, boost::test_tools::per_element());
    BOOST_TEST(s.interactive);
    BOOST_TEST(s.tty);
    BOOST_TEST(s.publish == (Texts{"80", "81", "82", "83", "84"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_bundle_may_end_with_a_flag_that_takes_a_value) {
    Sample s;
    (void)s.flags.parse({"-itp", "80"});
    BOOST_TEST(s.tty);
    BOOST_TEST(s.publish == Texts{"80"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(switches_take_a_value_only_with_an_equals_sign) {
    Sample s;
    const Texts rest = s.flags.parse({"--sig-proxy=false", "-t=false", "-i=true", "--tty", "false"});
    BOOST_TEST(!s.proxy);
    BOOST_TEST(s.tty);  // the last one wins, and "false" is positional
    BOOST_TEST(s.interactive);
    BOOST_TEST(rest == Texts{"false"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(flags_stop_at_the_first_word_when_not_interspersed) {
    Sample s;
    s.flags.interspersed(false);
    const Texts rest = s.flags.parse({"-i", "image", "-t", "--name", "x"});
    BOOST_TEST(rest == (Texts{"image", "-t", "--name", "x"}), boost::test_tools::per_element());
    BOOST_TEST(!s.tty);
    BOOST_TEST(s.flags.changed("interactive"));
    BOOST_TEST(!s.flags.changed("name"));
}

BOOST_AUTO_TEST_CASE(flags_may_follow_words_when_interspersed) {
    Sample s;
    const Texts rest = s.flags.parse({"a", "-i", "b", "--name", "x", "-", "--", "-t"});
    BOOST_TEST(rest == (Texts{"a", "b", "-", "-t"}), boost::test_tools::per_element());
    BOOST_TEST(s.name == "x");
    BOOST_TEST(!s.tty);
}

BOOST_AUTO_TEST_CASE(a_value_may_look_like_a_flag) {
    Sample s;
    (void)s.flags.parse({"--name", "-x", "-n", "-1"});
    BOOST_TEST(s.name == "-x");
    BOOST_TEST(s.last == -1);
}

BOOST_AUTO_TEST_CASE(errors_have_pflags_words) {
    BOOST_TEST(Sample().failure({"--x"}) == "unknown flag: --x");
    BOOST_TEST(Sample().failure({"--x=1"}) == "unknown flag: --x");
    BOOST_TEST(Sample().failure({"-x"}) == "unknown shorthand flag: 'x' in -x");
    BOOST_TEST(Sample().failure({"-ixt"}) == "unknown shorthand flag: 'x' in -xt");
    BOOST_TEST(Sample().failure({"--name"}) == "flag needs an argument: --name");
    BOOST_TEST(Sample().failure({"-p"}) == "flag needs an argument: 'p' in -p");
    BOOST_TEST(Sample().failure({"-n", "x"}) ==
               "invalid argument \"x\" for \"-n, --last\" flag: strconv.ParseInt: parsing \"x\": invalid syntax");
    BOOST_TEST(Sample().failure({"-t=x"}) ==
               "invalid argument \"x\" for \"-t, --tty\" flag: strconv.ParseBool: parsing \"x\": invalid syntax");
}

BOOST_AUTO_TEST_CASE(abbreviations_are_unknown) {
    BOOST_TEST(Sample().failure({"--interact"}) == "unknown flag: --interact");
    BOOST_TEST(Sample().failure({"--na", "x"}) == "unknown flag: --na");
    BOOST_TEST(Sample().failure({"--nam"}) == "unknown flag: --nam");
}

BOOST_AUTO_TEST_CASE(help_has_pflags_layout) {
    Sample s;
    BOOST_TEST(s.flags.usages(79) ==
               "  -i, --interactive    Keep STDIN open\n"
               "  -n, --last int       Show n last containers (default -1)\n"
               "      --name string    Assign a name\n"
               "  -p, --publish list   Publish a port\n"
               "      --sig-proxy      Proxy signals (default true)\n"
               "  -t, --tty            Allocate a pseudo-TTY\n");
}

BOOST_AUTO_TEST_SUITE_END()
