#include "archive/trash.hpp"

#include <fcntl.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <mutex>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/remove_tree.hpp"

using namespace davit;
using namespace davit::archive;
namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kPatience{20};

void deleteTree(const fs::path& path, const std::stop_token& stop) { (void)removeTree(path, stop); }

/// Deletes nothing until it is asked to stop.
void hang(const fs::path&, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    stopped.wait(lock, stop, [] { return false; });
}

/// A tree of `files` files in directories of ten.
fs::path makeTree(const fs::path& path, int files) {
    for (int i = 0; i < files; ++i) {
        const fs::path directory = path / std::to_string(i / 10);
        if (i % 10 == 0) makeDirectories(directory, 0755);
        (void)openFile(directory / std::to_string(i), O_WRONLY | O_CREAT);
    }
    return path;
}

std::size_t entries(const fs::path& path) {
    const auto all = fs::recursive_directory_iterator(path);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trash)

BOOST_AUTO_TEST_CASE(what_is_taken_vanishes_at_once_and_is_deleted) {
    const TempDir dir;
    Trash trash(dir.path() / "trash", deleteTree);
    const fs::path tree = makeTree(dir.path() / "tree", 100);
    BOOST_TEST(trash.take(tree));
    BOOST_TEST(!fs::exists(tree));
    BOOST_TEST(!trash.take(tree));
    BOOST_TEST(trash.settle(kPatience));
    BOOST_TEST(fs::is_empty(dir.path() / "trash"));
}

BOOST_AUTO_TEST_CASE(nobody_waits_for_a_long_deletion_and_the_next_trash_goes_on_with_it) {
    const TempDir dir;
    {
        Trash slow(dir.path() / "trash", hang);
        BOOST_TEST(slow.take(makeTree(dir.path() / "a", 20)));
        BOOST_TEST(slow.take(makeTree(dir.path() / "b", 20)));
        BOOST_TEST(!slow.settle(std::chrono::milliseconds(1)));
    }
    BOOST_TEST(entries(dir.path() / "trash") == 2U * (1 + 2 + 20));
    Trash next(dir.path() / "trash", deleteTree);
    BOOST_TEST(next.settle(kPatience));
    BOOST_TEST(fs::is_empty(dir.path() / "trash"));
}

BOOST_AUTO_TEST_CASE(a_deletion_is_cut_off_between_two_files) {
    const TempDir dir;
    const fs::path tree = makeTree(dir.path() / "tree", 200);
    std::stop_source stop;
    stop.request_stop();
    BOOST_TEST(!removeTree(tree, stop.get_token()));
    BOOST_TEST(entries(tree) == 220U);
    BOOST_TEST(removeTree(tree, std::stop_token()));
    BOOST_TEST(!fs::exists(tree));
    BOOST_TEST(removeTree(tree, std::stop_token()));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_deleted_keeps_nothing_else) {
    const TempDir dir;
    std::atomic<int> failures{0};
    Trash trash(dir.path() / "trash", [&](const fs::path& path, const std::stop_token& stop) {
        if (fs::exists(path / "stubborn")) {
            ++failures;
            throw Error(Code::conflict, "busy");
        }
        deleteTree(path, stop);
    });
    makeDirectories(dir.path() / "bad/stubborn", 0755);
    BOOST_TEST(trash.take(dir.path() / "bad"));
    BOOST_TEST(trash.take(makeTree(dir.path() / "good", 10)));
    BOOST_TEST(trash.settle(kPatience));
    BOOST_TEST(failures == 1);
    BOOST_TEST(entries(dir.path() / "trash") == 2U);  // the bad one
}

BOOST_AUTO_TEST_SUITE_END()
