#include <fcntl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <future>
#include <thread>

#include "base/check.hpp"
#include "base/file.hpp"
#include "state/database.hpp"
#include "state/disk_reserve.hpp"

using namespace davit;
using namespace davit::state;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kReserve = 2 << 20;

/// A file system of 16 MiB.
class SmallDisk {
  public:
    SmallDisk() {
        check(::mount("none", dir_.path().c_str(), "tmpfs", 0, "size=16m,mode=700"), "mount {}", dir_.path().string());
    }
    ~SmallDisk() { (void)::umount2(dir_.path().c_str(), MNT_DETACH); }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    [[nodiscard]] const fs::path& path() const { return dir_.path(); }
    [[nodiscard]] std::int64_t free() const { return static_cast<std::int64_t>(fs::space(path()).available); }
    /// Leaves nothing free.
    void fill() const {
        const UniqueFd filler = openFile(path() / "filler", O_WRONLY | O_CREAT | O_APPEND);
        const std::string block(4096, 'f');
        while (::write(filler.get(), block.data(), block.size()) > 0) {
        }
        BOOST_REQUIRE(free() == 0);
    }
    [[nodiscard]] DatabaseOptions options() const {
        return {.path = path() / "state.db",
                .schemas = {{"thing", {"CREATE TABLE thing (name TEXT PRIMARY KEY, content TEXT NOT NULL)"}}}};
    }

  private:
    TempDir dir_;
};

void put(Connection& connection, const std::string& name, std::size_t size) {
    connection.run("INSERT OR REPLACE INTO thing VALUES (?, ?)", name, std::string(size, 'c'));
}

std::int64_t countThings(const Database& database) {
    return database.read([](Connection& c) {
        Statement s = c.prepare("SELECT count(*) FROM thing");
        return s.step() ? s.integer(0) : -1;
    });
}

bool isNoSpace(const Error& error) {
    return error.sysErrno() == ENOSPC && error.text().find("no space left on device") != std::string::npos;
}

constexpr std::size_t kTooMuch = 20 << 20;

}  // namespace

BOOST_AUTO_TEST_SUITE(full_disk)

BOOST_AUTO_TEST_CASE(changes_and_removals_go_on_without_a_free_block) {
    const SmallDisk disk;
    Database database(disk.options());
    database.grow(Durability::synced, [](Connection& c) { put(c, "old", 1000); });
    disk.fill();
    for (int i = 0; i < 500; ++i) database.write(Durability::relaxed, [](Connection& c) { put(c, "old", 1000); });
    database.write(Durability::synced, [](Connection& c) { c.run("DELETE FROM thing WHERE name = ?", "old"); });
    BOOST_TEST(countThings(database) == 0);
    BOOST_TEST(!fs::exists(disk.path() / "state.db-shm"));  // a mapped file: SIGBUS on a full disk
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_leaves_nothing_and_keeps_the_reserve) {
    const SmallDisk disk;
    DiskReserve reserve(disk.path() / "reserve", kReserve);
    BOOST_REQUIRE(reserve.ensure());
    DatabaseOptions options = disk.options();
    options.make_space = [&] { return reserve.release(); };
    Database database(options);
    disk.fill();
    BOOST_CHECK_EXCEPTION(database.grow(Durability::synced, [](Connection& c) { put(c, "big", kTooMuch); }), Error,
                          isNoSpace);
    BOOST_TEST(countThings(database) == 0);
    BOOST_TEST(reserve.held());
}

BOOST_AUTO_TEST_CASE(one_that_needs_room_takes_no_other_of_its_transaction_with_it) {
    const SmallDisk disk;
    Database database(disk.options());
    disk.fill();
    std::promise<void> release;
    std::thread first([&] { database.write(Durability::relaxed, [&](Connection&) { release.get_future().wait(); }); });
    // Both wait for the first one, and so for the same commit.
    auto big = std::async(std::launch::async, [&] {
        database.grow(Durability::synced, [](Connection& c) { put(c, "big", kTooMuch); });
    });
    auto small = std::async(std::launch::async, [&] {
        database.write(Durability::synced, [](Connection& c) { put(c, "small", 10); });
    });
    (void)small.wait_for(std::chrono::milliseconds(50));
    release.set_value();
    first.join();
    BOOST_CHECK_EXCEPTION(big.get(), Error, isNoSpace);
    small.get();
    BOOST_TEST(countThings(database) == 1);
}

BOOST_AUTO_TEST_CASE(the_reserve_serves_what_frees_space) {
    const SmallDisk disk;
    DiskReserve reserve(disk.path() / "reserve", kReserve);
    BOOST_REQUIRE(reserve.ensure());
    DatabaseOptions options = disk.options();
    options.make_space = [&] { return reserve.release(); };
    options.may_grow = [&] { return reserve.roomToGrow(); };
    Database database(options);
    disk.fill();
    database.write(Durability::synced, [](Connection& c) { put(c, "large", 5 << 20); });  // more than the log holds
    BOOST_TEST(!reserve.held());
    BOOST_CHECK_EXCEPTION(database.grow(Durability::synced, [](Connection& c) { put(c, "new", 1); }), Error, isNoSpace);
    BOOST_TEST(countThings(database) == 1);
    fs::remove(disk.path() / "filler");
    database.grow(Durability::synced, [](Connection& c) { put(c, "new", 1); });
    BOOST_TEST(reserve.ensure());
}

BOOST_AUTO_TEST_CASE(a_store_that_was_killed_opens_on_a_full_disk_with_all_that_was_committed) {
    const SmallDisk disk;
    const pid_t child = ::fork();
    if (child == 0) {
        Database database(disk.options());
        for (int i = 0; i < 100; ++i)
            database.grow(Durability::relaxed, [&](Connection& c) { put(c, std::to_string(i), 1000); });
        ::_exit(0);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    BOOST_REQUIRE(status == 0);
    disk.fill();
    Database database(disk.options());
    BOOST_TEST(!database.quarantined().has_value());
    BOOST_TEST(countThings(database) == 100);
    database.write(Durability::synced, [](Connection& c) { c.run("DELETE FROM thing"); });
    BOOST_TEST(countThings(database) == 0);
}

BOOST_AUTO_TEST_CASE(a_store_that_was_closed_opens_on_a_full_disk_and_can_write) {
    const SmallDisk disk;
    {
        Database database(disk.options());
        database.grow(Durability::synced, [](Connection& c) { put(c, "old", 1000); });
    }
    for (int round = 0; round < 3; ++round) {
        disk.fill();
        Database database(disk.options());
        database.write(Durability::synced, [](Connection& c) { put(c, "old", 1000); });
        BOOST_TEST(countThings(database) == 1);
    }
    Database database(disk.options());
    database.write(Durability::synced, [](Connection& c) { c.run("DELETE FROM thing"); });
    BOOST_TEST(countThings(database) == 0);
}

BOOST_AUTO_TEST_CASE(a_store_without_a_log_opens_on_a_full_disk_with_the_help_of_the_reserve) {
    const SmallDisk disk;
    DiskReserve reserve(disk.path() / "reserve", 5 << 20);
    BOOST_REQUIRE(reserve.ensure());
    DatabaseOptions options = disk.options();
    options.make_space = [&] { return reserve.release(); };
    {
        Database database(options);
        database.grow(Durability::synced, [](Connection& c) { put(c, "old", 1000); });
    }
    disk.fill();
    fs::remove(disk.path() / "state.db-wal");  // as it was before there was one between two runs
    disk.fill();
    Database database(options);
    BOOST_TEST(!reserve.held());
    BOOST_TEST(countThings(database) == 1);
    disk.fill();  // whoever else writes takes the rest at once
    database.write(Durability::synced, [](Connection& c) { c.run("DELETE FROM thing"); });
    BOOST_TEST(countThings(database) == 0);
}

BOOST_AUTO_TEST_CASE(the_reserve_is_given_up_only_on_a_full_disk) {
    const SmallDisk disk;
    DiskReserve reserve(disk.path() / "reserve", kReserve);
    BOOST_TEST(reserve.roomToGrow());  // not held, but there is room
    BOOST_REQUIRE(reserve.ensure());
    reserve.releaseIfFull();
    BOOST_TEST(reserve.held());
    disk.fill();
    BOOST_TEST(reserve.roomToGrow());
    reserve.releaseIfFull();
    BOOST_TEST(!reserve.held());
    BOOST_TEST(!reserve.roomToGrow());
    BOOST_TEST(!reserve.ensure());
    fs::remove(disk.path() / "filler");
    BOOST_TEST(reserve.ensure());
}

BOOST_AUTO_TEST_SUITE_END()
