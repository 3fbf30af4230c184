#include "local/options.hpp"

#include <boost/test/unit_test.hpp>

#include "local_fixtures.hpp"

using namespace davit;
using namespace davit::local;

BOOST_AUTO_TEST_SUITE(local_options)

BOOST_AUTO_TEST_CASE(docker_s_texts_for_wrong_options) {
    const auto refuses = [](const Options& options, const std::string& text) {
        BOOST_CHECK_EXCEPTION((void)parseOptions(options), Error, [&](const Error& e) { return e.code() == Code::invalid && e.text() == text; });
    };
    refuses({{"foo", "1"}}, "invalid option: \"foo\"");
    refuses({{"type", "tmpfs"}}, "missing required option: \"device\"");
    refuses({{"device", "tmpfs"}}, "missing required option: \"type\"");
    refuses({{"o", "size=1m"}}, "missing required option: \"device\"");
    refuses({{"o", "ro"}, {"device", "/dev/x"}}, "missing required option: \"type\"");
    refuses({{"size", "many"}}, "invalid size: 'many'");
    refuses({{"size", "-1"}}, "invalid size: '-1'");
    refuses({{"inodes", "1.5"}}, "invalid number of inodes: '1.5'");
    refuses({{"inodes", "-1"}}, "invalid number of inodes: '-1'");
}

BOOST_AUTO_TEST_CASE(limits_are_of_own_volumes_and_of_tmpfs) {
    BOOST_TEST(parseOptions({{"size", "10m"}, {"inodes", "100"}}).limits.size == 10 << 20);
    BOOST_TEST(parseOptions({{"size", "10m"}, {"inodes", "100"}}).limits.inodes == 100);
    BOOST_TEST(!parseOptions({{"size", "0"}}).limits.any());
    const auto tmpfs = parseOptions({{"type", "tmpfs"}, {"device", "tmpfs"}, {"size", "1m"}, {"inodes", "7"}, {"o", "mode=0700"}});
    BOOST_TEST(mountWords(tmpfs, tmpfs.limits) == (std::vector<std::string>{"mode=0700", "size=1048576", "nr_inodes=7"}), boost::test_tools::per_element());
    BOOST_CHECK_THROW((void)parseOptions({{"type", "tmpfs"}, {"device", "tmpfs"}, {"size", "1m"}, {"o", "size=2m"}}), Error);
    BOOST_CHECK_THROW((void)parseOptions({{"type", "nfs"}, {"device", ":/x"}, {"size", "1m"}}), Error);
    const auto resized = parseOptions({{"type", "tmpfs"}, {"device", "tmpfs"}, {"o", "size=2m,uid=5"}});
    BOOST_TEST(mountWords(resized, {.size = 4096}) == (std::vector<std::string>{"uid=5", "size=4096"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(names_are_docker_s) {
    for (const char* good : {"ab", "a-b_c.d", "0x", "A.."}) BOOST_CHECK_NO_THROW(checkVolumeName(good));
    for (const std::string& bad : {std::string(), std::string("."), std::string(".."), std::string("../a"), std::string("a/b"), std::string("-ab"),
                                   std::string(".ab"), std::string("_ab"), std::string("a b"), std::string("a\0b", 3), std::string("\xc3\xa4h"), std::string(256, 'a')})
        BOOST_CHECK_EXCEPTION(checkVolumeName(bad), Error, withCode(Code::invalid));
    BOOST_CHECK_EXCEPTION(checkVolumeName("a"), Error, withText("volume name is too short, names should be at least two alphanumeric characters"));
    BOOST_CHECK_EXCEPTION(checkVolumeName("a/b"), Error, withText("\"a/b\" includes invalid characters for a local volume name, only"));
    BOOST_CHECK_NO_THROW(checkSnapshotName("1"));
    BOOST_CHECK_THROW(checkSnapshotName(".."), Error);
}

BOOST_AUTO_TEST_SUITE_END()
