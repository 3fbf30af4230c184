#include "archive/copy_tree.hpp"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <boost/test/unit_test.hpp>

#include "archive/compare.hpp"
#include "fixtures.hpp"

using namespace davit;
using namespace davit::archive;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(copy_tree)

BOOST_AUTO_TEST_CASE(everything_is_copied) {
    const TempDir from;
    const TempDir to;
    unpackTo(from.path(), Tar()
                              .dir(".", 0711)
                              .dir("d", 02770)
                              .file("d/\xff", std::string(300'000, 'q'), 04755)
                              .hard("h", "d/\xff")
                              .link("l", "/nowhere")
                              .node("p", TarEntry::Kind::fifo)
                              .done());
    check(::mknod((from.path() / "dev").c_str(), S_IFCHR | 0660, makedev(1, 5)), "mknod");
    check(::lsetxattr((from.path() / "d").c_str(), "user.k", "v", 1, 0), "set");
    check(::lsetxattr((from.path() / "l").c_str(), "trusted.k", "v", 1, 0), "set");
    copyTree(openDir(from.path()).get(), openDir(to.path()).get());
    BOOST_TEST(compareTrees(openDir(from.path()).get(), openDir(to.path()).get()).empty());
    BOOST_TEST((packed(from.path()) == packed(to.path())));
    BOOST_TEST(statOf(to.path() / "h").st_nlink == 2U);
    BOOST_TEST(statOf(to.path()).st_mode == statOf(from.path()).st_mode);
    BOOST_TEST(statOf(to.path()).st_mtim.tv_sec == statOf(from.path()).st_mtim.tv_sec);
    char value = 0;
    BOOST_TEST(::lgetxattr((to.path() / "l").c_str(), "trusted.k", &value, 1) == 1);
}

BOOST_AUTO_TEST_CASE(holes_are_not_filled) {
    const TempDir from;
    const TempDir to;
    writeFileAtomically(from.path() / "s", "x");
    check(::truncate((from.path() / "s").c_str(), 1LL << 33), "truncate");
    copyTree(openDir(from.path()).get(), openDir(to.path()).get());
    BOOST_TEST(statOf(to.path() / "s").st_size == 1LL << 33);
    BOOST_TEST(statOf(to.path() / "s").st_blocks < 100);
}

BOOST_AUTO_TEST_CASE(deep_trees_are_copied) {
    const TempDir from;
    const TempDir to;
    Tar tar;
    std::string path = "d";
    for (int i = 0; i < 300; ++i, path += "/twenty_characters_d") tar.dir(path);
    unpackTo(from.path(), tar.done());
    copyTree(openDir(from.path()).get(), openDir(to.path()).get());
    BOOST_TEST((packed(from.path()) == packed(to.path())));
}

BOOST_AUTO_TEST_SUITE_END()
