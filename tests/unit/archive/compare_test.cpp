#include "archive/compare.hpp"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include "fixtures.hpp"

using namespace davit;
using namespace davit::archive;
namespace fs = std::filesystem;

namespace {

std::string differences(const fs::path& old_path, const fs::path& new_path) {
    std::string text;
    for (const auto& change : compareTrees(openDir(old_path).get(), openDir(new_path).get()))
        text += std::string(1, "CAD"[static_cast<int>(change.kind)]) + change.path + " ";
    return text;
}

struct Pair {
    Pair() {
        const std::string tar = Tar().dir("a").dir("a/b").file("a/b/f").link("a/l", "b").file("z").done();
        unpackTo(before.path(), tar);
        unpackTo(after.path(), tar);
    }
    std::string diff() const { return differences(before.path(), after.path()); }
    TempDir before;
    TempDir after;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(compare)

BOOST_AUTO_TEST_CASE(equal_trees_have_no_changes) { BOOST_TEST(Pair().diff().empty()); }

BOOST_AUTO_TEST_CASE(a_change_marks_the_directories_above) {
    Pair pair;
    writeFileAtomically(pair.after.path() / "a/b/f", "changed");
    BOOST_TEST(pair.diff() == "C/a C/a/b C/a/b/f ");
}

BOOST_AUTO_TEST_CASE(additions_and_deletions) {
    Pair pair;
    removeTree(pair.after.path() / "a/b");
    makeDirectories(pair.after.path() / "new/sub", 0755);
    BOOST_TEST(pair.diff() == "C/a D/a/b A/new A/new/sub ");
}

BOOST_AUTO_TEST_CASE(types_modes_owners_and_targets_count) {
    Pair pair;
    check(::chmod((pair.after.path() / "z").c_str(), 0600), "chmod");
    fs::remove(pair.after.path() / "a/l");
    fs::create_symlink("elsewhere", pair.after.path() / "a/l");
    BOOST_TEST(pair.diff() == "C/a C/a/l C/z ");
    fs::remove(pair.after.path() / "z");
    makeDirectories(pair.after.path() / "z/in", 0755);
    BOOST_TEST(pair.diff() == "C/a C/a/l C/z A/z/in ");
    check(::chown((pair.after.path() / "a/b").c_str(), 3, 4), "chown");
    BOOST_TEST(pair.diff() == "C/a C/a/b C/a/l C/z A/z/in ");
}

BOOST_AUTO_TEST_CASE(against_nothing_everything_is_added) {
    Pair pair;
    BOOST_TEST(compareTrees(-1, openDir(pair.after.path()).get()).size() == 5U);
}

BOOST_AUTO_TEST_CASE(sorted_by_path_even_where_names_sort_otherwise) {
    const TempDir before;
    const TempDir after;
    unpackTo(after.path(), Tar().dir("a").file("a/x").file("a-b").done());
    BOOST_TEST(differences(before.path(), after.path()) == "A/a A/a-b A/a/x ");
}

BOOST_AUTO_TEST_CASE(usage_counts_links_once) {
    const TempDir dir;
    unpackTo(dir.path(), Tar().file("f", std::string(1 << 20, 'x')).hard("g", "f").dir("d").done());
    const LayerUsage usage = treeUsage(openDir(dir.path()).get());
    BOOST_TEST(usage.inodes == 3);
    BOOST_TEST(usage.bytes >= 1 << 20);
    BOOST_TEST(usage.bytes < 3 << 19);
}

BOOST_AUTO_TEST_SUITE_END()
