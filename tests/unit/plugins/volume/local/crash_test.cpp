// The driver's process may end at any instruction: what it answered for is there, and there is no half of anything.
#include <signal.h>

#include <cstdio>
#include <random>

#include "local_fixtures.hpp"

using namespace davit;
using namespace davit::local;
namespace fs = std::filesystem;

namespace {

[[noreturn]] void workUntilKilled(const fs::path& root, unsigned round) {
    auto* local = new LocalVolumeDriver(DriverContext(R"({"Root": ")" + root.string() + "\"}"));  // never destroyed: the process dies as it is
    for (unsigned i = 0;; ++i) {
        const std::string plain = fmt::format("plain{}x{}", round, i), mem = fmt::format("mem{}x{}", round, i);
        local->create(plain, {});
        writeFileAtomically(fs::path(local->mount(plain, "1")) / "f", "whole");
        local->snapshot(plain, "s", {});
        local->clone({.source = plain, .snapshot = "s", .name = "copy" + plain});
        local->create(mem, {{"type", "tmpfs"}, {"device", "tmpfs"}});
        (void)local->mount(mem, "1");
        local->unmount(plain, "1");
        local->rename(plain, "new" + plain);
        if (i % 3 == 0) continue;
        local->unmount(mem, "1");
        local->remove(mem);
        local->remove("new" + plain);
    }
}

void killInTheMiddle(const fs::path& root, unsigned round, int microseconds) {
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
        try {
            workUntilKilled(root, round);
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

void expectWhole(LocalVolumes& local, const VolumeInfo& volume) {
    BOOST_TEST(volume.status_json == "{}", volume.name << ": " << volume.status_json);
    const fs::path path = local->mount(volume.name, "check");
    if (volume.name.starts_with("copy")) BOOST_TEST(archive::textOf(path / "f") == "whole");
    for (const SnapshotInfo& snapshot : local->listSnapshots(volume.name))
        BOOST_TEST(archive::textOf(path.parent_path() / "snapshots" / snapshot.name / "_data/f") == "whole");
    local->unmount(volume.name, "check");
    local->unmount(volume.name, "1");
    BOOST_TEST(!local.isMounted(volume.name));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(local_crash)

BOOST_AUTO_TEST_CASE(a_kill_at_any_time_leaves_only_whole_volumes) {
    LocalVolumes local;
    std::mt19937 random(7);
    for (unsigned round = 0; round < 15; ++round) {
        killInTheMiddle(local.root(), round, static_cast<int>(random() % 80'000));
        local.restart();
        BOOST_TEST(becomesEmpty(local.root() / ".staging"));
        BOOST_TEST(becomesEmpty(local.root() / ".trash"));
        for (const VolumeInfo& volume : local->list()) expectWhole(local, volume);
        BOOST_TEST(mountsBelow(local.root()).empty());
        if (round % 5 != 4) continue;
        for (const VolumeInfo& volume : local->list()) local->remove(volume.name);
        BOOST_TEST(local->list().empty());
    }
}

BOOST_AUTO_TEST_SUITE_END()
