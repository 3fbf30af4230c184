#include "base/file.hpp"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(file_)

BOOST_AUTO_TEST_CASE(missing_file_reads_as_nothing) {
    const TempDir dir;
    BOOST_TEST(!readFile(dir.path() / "nope"));
}

BOOST_AUTO_TEST_CASE(atomic_write_replaces_and_leaves_no_temporary) {
    const TempDir dir;
    writeFileAtomically(dir.path() / "a", "one", 0640, Sync::yes);
    writeFileAtomically(dir.path() / "a", "two");
    BOOST_TEST(readFile(dir.path() / "a").value() == "two");
    BOOST_TEST(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
}

BOOST_AUTO_TEST_CASE(read_is_bounded) {
    const TempDir dir;
    writeFileAtomically(dir.path() / "big", std::string(10'000, 'x'));
    BOOST_CHECK_THROW((void)readFile(dir.path() / "big", 9'999), Error);
    BOOST_TEST(readFile(dir.path() / "big", 10'000).value().size() == 10'000U);
}

BOOST_AUTO_TEST_CASE(remove_tree_does_not_follow_links) {
    const TempDir dir;
    makeDirectories(dir.path() / "t/deep/er", 0700);
    writeFileAtomically(dir.path() / "kept", "x");
    fs::create_directory_symlink(dir.path(), dir.path() / "t/link");
    removeTree(dir.path() / "t");
    BOOST_TEST(!fs::exists(dir.path() / "t"));
    BOOST_TEST(fs::exists(dir.path() / "kept"));
    removeTree(dir.path() / "t");
}

BOOST_AUTO_TEST_CASE(lock_has_one_holder) {
    const TempDir dir;
    auto first = FileLock::tryAcquire(dir.path() / "lock");
    BOOST_TEST(first.has_value());
    BOOST_TEST(!FileLock::tryAcquire(dir.path() / "lock").has_value());
    first.reset();
    BOOST_TEST(FileLock::tryAcquire(dir.path() / "lock").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
