#include "linux/mount_options.hpp"

#include <sys/mount.h>

#include <boost/test/unit_test.hpp>

using namespace davit::linux;

BOOST_AUTO_TEST_SUITE(mount_options)

BOOST_AUTO_TEST_CASE(words_become_flags_and_the_rest_is_data) {
    const MountOptions options = parseMountOptions({"nosuid", "noexec", "", "size=64m", "mode=1777", "defaults"});
    BOOST_TEST(options.set == (MS_NOSUID | MS_NOEXEC));
    BOOST_TEST(options.clear == 0U);
    BOOST_TEST(options.data == "size=64m,mode=1777");
    BOOST_TEST(!options.bind);
    BOOST_TEST(options.propagation == 0U);
}

BOOST_AUTO_TEST_CASE(of_opposite_words_the_last_one_counts) {
    const MountOptions writable = parseMountOptions({"ro", "rw"});
    BOOST_TEST(writable.set == 0U);
    BOOST_TEST(writable.clear == MS_RDONLY);
    const MountOptions readonly = parseMountOptions({"rw", "ro"});
    BOOST_TEST(readonly.set == MS_RDONLY);
    BOOST_TEST(readonly.clear == 0U);
}

BOOST_AUTO_TEST_CASE(recursive_words_are_kept_apart) {
    const MountOptions options = parseMountOptions({"rbind", "rro", "rnosuid", "rsuid"});
    BOOST_TEST(options.bind);
    BOOST_TEST(options.recursive_bind);
    BOOST_TEST(options.set == 0U);
    BOOST_TEST(options.recursive_set == static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY));
    BOOST_TEST(options.recursive_clear == static_cast<std::uint64_t>(MOUNT_ATTR_NOSUID));
    BOOST_TEST(!parseMountOptions({"bind"}).recursive_bind);
}

BOOST_AUTO_TEST_CASE(propagation_words) {
    BOOST_TEST(parsePropagation("private") == MS_PRIVATE);
    BOOST_TEST(parsePropagation("rslave") == (MS_SLAVE | MS_REC));
    BOOST_TEST(parsePropagation("rshared") == (MS_SHARED | MS_REC));
    BOOST_TEST(parsePropagation("unbindable") == MS_UNBINDABLE);
    BOOST_TEST(parsePropagation("Private") == 0U);
    BOOST_TEST(parsePropagation("") == 0U);
    BOOST_TEST(parseMountOptions({"bind", "rslave"}).propagation == (MS_SLAVE | MS_REC));
    BOOST_TEST(parseMountOptions({"bind", "rslave"}).data.empty());
}

BOOST_AUTO_TEST_CASE(flags_as_attributes) {
    BOOST_TEST(mountAttributes(0) == 0U);
    BOOST_TEST(mountAttributes(MS_RDONLY | MS_NODEV) == static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV));
    BOOST_TEST(mountAttributes(MS_NOATIME) == static_cast<std::uint64_t>(MOUNT_ATTR_NOATIME));
    BOOST_TEST(mountAttributes(MS_SYNCHRONOUS) == 0U);  // none of a mount, but of the file system
}

BOOST_AUTO_TEST_SUITE_END()
