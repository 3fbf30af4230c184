#include "base/tree_walker.hpp"

#include <fcntl.h>

#include <boost/test/unit_test.hpp>

#include "base/check.hpp"
#include "base/file.hpp"

using namespace davit;
namespace fs = std::filesystem;

namespace {

UniqueFd openDir(const fs::path& path) { return openFile(path, O_RDONLY | O_DIRECTORY); }

// A chain of `levels` directories named "d", far longer than PATH_MAX, with a file at its end.
void makeChain(const fs::path& root, int levels) {
    UniqueFd dir = openDir(root);
    for (int i = 0; i < levels; ++i) {
        check(::mkdirat(dir.get(), "d", 0755), "mkdir");
        dir = UniqueFd(check(::openat(dir.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open"));
    }
    const UniqueFd file(check(::openat(dir.get(), "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644), "create"));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tree_walker)

BOOST_AUTO_TEST_CASE(shows_parents_first_sorted_and_leaves_directories) {
    const TempDir dir;
    makeDirectories(dir.path() / "b/c", 0755);
    writeFileAtomically(dir.path() / "b/a", "x");
    writeFileAtomically(dir.path() / "a", "x");
    writeFileAtomically(dir.path() / "z", "x");
    fs::create_symlink("b", dir.path() / "link");
    std::string seen;
    TreeWalker walker(openDir(dir.path()));
    while (const auto event = walker.next())
        seen += (*event == TreeWalker::Event::enter ? "+" : "-") + walker.path() + ":" + walker.name() + " ";
    BOOST_TEST(seen == "+a:a +b:b +b/a:a +b/c:c -b/c:c -b:b +link:link +z:z ");
}

BOOST_AUTO_TEST_CASE(skip_stays_out_of_a_directory) {
    const TempDir dir;
    makeDirectories(dir.path() / "b/c", 0755);
    makeDirectories(dir.path() / "c", 0755);
    std::string seen;
    TreeWalker walker(openDir(dir.path()));
    while (const auto event = walker.next()) {
        seen += walker.path() + " ";
        if (walker.path() == "b") walker.skip();
        BOOST_TEST(S_ISDIR(walker.info().st_mode));
        (void)event;
    }
    BOOST_TEST(seen == "b c c ");
}

BOOST_AUTO_TEST_CASE(trees_deeper_than_path_max_and_the_descriptor_limit_are_walked_and_removed) {
    const TempDir dir;
    constexpr int kLevels = 5000;
    makeDirectories(dir.path() / "t", 0755);
    makeChain(dir.path() / "t", kLevels);
    std::size_t longest = 0;
    int events = 0;
    TreeWalker walker(openDir(dir.path() / "t"));
    while (walker.next()) {
        longest = std::max(longest, walker.path().size());
        ++events;
    }
    BOOST_TEST(longest == 2U * kLevels + 1);
    BOOST_TEST(events == 2 * kLevels + 1);
    removeTree(dir.path() / "t");
    BOOST_TEST(!fs::exists(dir.path() / "t"));
}

BOOST_AUTO_TEST_CASE(a_directory_moved_during_the_walk_is_an_error) {
    const TempDir dir;
    makeDirectories(dir.path() / "t/elsewhere", 0755);
    makeChain(dir.path() / "t", 60);
    DirStack stack(openDir(dir.path() / "t"));
    for (int i = 0; i < 60; ++i) BOOST_TEST(stack.descend("d"));
    std::string deep = (dir.path() / "t").string();
    for (int i = 0; i < 50; ++i) deep += "/d";
    fs::rename(deep, dir.path() / "t/elsewhere/d");
    BOOST_CHECK_THROW(for (int i = 0; i < 60; ++i) stack.ascend(), Error);
}

BOOST_AUTO_TEST_SUITE_END()
