// A driver's process may end at any instruction, and be called from many threads: the same trials for each driver.
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <random>
#include <thread>

#include "base/tree_walker.hpp"
#include "plugins/driver_fixtures.hpp"
#include "plugins/storage/overlay2/overlay2_driver.hpp"
#include "plugins/storage/vfs/vfs_driver.hpp"

using namespace davit;
using archive::Tar;
namespace fs = std::filesystem;

namespace {

using Drivers = boost::mpl::list<VfsDriver, Overlay2Driver>;

std::size_t entriesIn(const fs::path& dir) { return directoryNames(archive::openDir(dir).get()).size(); }

// Makes, uses and removes layers until it is killed.
template <class Driver>
[[noreturn]] void workUntilKilled(const fs::path& home, unsigned round) {
    const std::string tar = Tar().dir("d").file("d/a", std::string(30'000, 'a')).file("d/.wh.b").file("c").done();
    auto* driven = new Driven<Driver>(home);  // never destroyed: the process dies as it is
    for (unsigned i = 0;; ++i) {
        const std::string base = fmt::format("a{}x{}", round, i);
        const std::string upper = fmt::format("b{}x{}", round, i);
        driven->layer(base, "", tar);
        driven->layer(upper, base, tar);
        driven->writable("w" + upper, upper);
        driven->get("w" + upper);
        if (i % 3 == 0) continue;
        driven->put("w" + upper);
        driven->driver.remove(layerId("w" + upper));
        driven->driver.remove(layerId(upper));
        driven->driver.remove(layerId(base));
    }
}

template <class Driver>
void killInTheMiddle(const fs::path& home, unsigned round, int microseconds) {
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
        try {
            workUntilKilled<Driver>(home, round);
        } catch (const std::exception& e) {
            (void)std::fputs(e.what(), stderr);
        }
        ::_exit(3);
    }
    ::usleep(static_cast<unsigned>(microseconds));
    ::kill(child, SIGKILL);
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    BOOST_TEST(WIFSIGNALED(status), "the child failed by itself in round " << round);
}

std::size_t layersWithShortName(const fs::path& home) {
    const fs::directory_iterator layers(home / "layers");
    return static_cast<std::size_t>(
        std::count_if(begin(layers), end(layers), [](const auto& layer) { return fs::exists(layer.path() / "link"); }));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_kill_at_any_time_leaves_only_whole_layers, Driver, Drivers) {
    const TempDir dir;
    std::mt19937 random(7);
    for (unsigned round = 0; round < 25; ++round) {
        killInTheMiddle<Driver>(dir.path(), round, static_cast<int>(random() % 60'000));
        Driven<Driver> after(dir.path());
        BOOST_TEST(entriesIn(dir.path() / "staging") == 0U);
        BOOST_TEST(becomesEmpty(dir.path() / "trash"));
        BOOST_TEST(overlay2::mountsBelow(dir.path()).empty());
        auto ids = after.driver.list();
        for (const std::string& id : ids) {
            BOOST_TEST(after.driver.exists(id));
            BOOST_TEST(fs::is_directory(after.driver.get(id, "")));
            after.driver.put(id);
        }
        if (fs::exists(dir.path() / "l")) BOOST_TEST(entriesIn(dir.path() / "l") == layersWithShortName(dir.path()));
        if (round % 5 != 4) continue;
        for (const std::string& id : ids) after.driver.remove(id);
        BOOST_TEST(after.driver.list().empty());
    }
    BOOST_TEST(overlay2::mountsBelow(dir.path()).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(many_threads_may_call, Driver, Drivers) {
    const TempDir dir;
    Driven<Driver> driven(dir.path());
    driven.layer("1", "", Tar().file("f").done());
    driven.writable("2", "1");
    std::atomic<int> made = 0;
    std::atomic<int> wrong = 0;
    const auto work = [&](int thread) {
        try {
            driven.writable("3", "1");
            ++made;
        } catch (const Error& e) {
            wrong += e.code() == Code::conflict ? 0 : 1;
        }
        try {
            for (int i = 0; i < 15; ++i) {
                const std::string own = fmt::format("{}e{}x", thread, i);
                driven.writable(own, "1");
                wrong += fs::exists(driven.get("2") / "f") ? 0 : 1;
                driven.put("2");
                driven.driver.remove(layerId(own));
            }
        } catch (const std::exception& e) {
            ++wrong;
        }
    };
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) threads.emplace_back(work, t);
    for (auto& thread : threads) thread.join();
    BOOST_TEST(made == 1);
    BOOST_TEST(wrong == 0);
    BOOST_TEST(driven.driver.list().size() == 3U);
    BOOST_TEST(overlay2::mountsBelow(dir.path()).empty());
}

BOOST_AUTO_TEST_SUITE_END()
