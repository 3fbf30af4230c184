#include "state/database.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "base/failpoint.hpp"
#include "base/file.hpp"

using namespace davit;
using namespace davit::state;
namespace fs = std::filesystem;

namespace {

Schema thingSchema() { return {"thing", {"CREATE TABLE thing (name TEXT PRIMARY KEY, size INTEGER NOT NULL)"}}; }

DatabaseOptions optionsIn(const TempDir& dir) { return {.path = dir.path() / "state.db", .schemas = {thingSchema()}}; }

void put(Database& database, Durability durability, const std::string& name, std::int64_t size) {
    database.write(durability, [&](Connection& c) { c.run("INSERT INTO thing VALUES (?, ?)", name, size); });
}

std::int64_t countThings(const Database& database) {
    return database.read([](Connection& c) {
        Statement s = c.prepare("SELECT count(*) FROM thing");
        return s.step() ? s.integer(0) : -1;
    });
}

/// Overwrites the middle of the file with bytes that are no pages.
void damage(const fs::path& path, std::size_t from, std::size_t length) {
    const UniqueFd fd = openFile(path, O_WRONLY);
    const std::string junk(length, '\x5a');
    BOOST_REQUIRE(::pwrite(fd.get(), junk.data(), junk.size(), static_cast<off_t>(from)) ==
                  static_cast<ssize_t>(junk.size()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(database)

BOOST_AUTO_TEST_CASE(what_is_written_is_read_also_after_reopening) {
    const TempDir dir;
    {
        Database database(optionsIn(dir));
        put(database, Durability::synced, "a", 1);
        put(database, Durability::relaxed, "b", 2);
        BOOST_TEST(countThings(database) == 2);
    }
    const Database database(optionsIn(dir));
    BOOST_TEST(countThings(database) == 2);
    BOOST_TEST(!database.quarantined().has_value());
}

BOOST_AUTO_TEST_CASE(a_write_returns_its_jobs_result) {
    const TempDir dir;
    Database database(optionsIn(dir));
    BOOST_TEST(database.write(Durability::relaxed, [](Connection&) { return std::string("yes"); }) == "yes");
}

BOOST_AUTO_TEST_CASE(any_bytes_and_the_empty_text_survive) {
    const TempDir dir;
    Database database(optionsIn(dir));
    const std::string odd("a\0b\xff", 4);
    put(database, Durability::relaxed, odd, 7);
    put(database, Durability::relaxed, "", 8);
    database.read([&](Connection& c) {
        Statement s = c.query("SELECT name FROM thing WHERE size = ?", 7);
        BOOST_REQUIRE(s.step());
        BOOST_TEST((s.text(0) == odd));
        Statement empty = c.query("SELECT name FROM thing WHERE size = ?", 8);
        BOOST_REQUIRE(empty.step());
        BOOST_TEST(!empty.isNull(0));
    });
}

BOOST_AUTO_TEST_CASE(a_job_that_throws_leaves_nothing_and_harms_no_other) {
    const TempDir dir;
    Database database(optionsIn(dir));
    std::vector<std::thread> threads;
    std::atomic<int> failed{0};
    for (int i = 0; i < 32; ++i) {
        threads.emplace_back([&, i] {
            try {
                database.write(Durability::synced, [&](Connection& c) {
                    c.run("INSERT INTO thing VALUES (?, ?)", "n" + std::to_string(i), i);
                    if (i % 2 == 1) throw Error(Code::conflict, "no");
                });
            } catch (const Error& error) {
                if (error.code() == Code::conflict) ++failed;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    BOOST_TEST(failed == 16);
    BOOST_TEST(countThings(database) == 16);
}

BOOST_AUTO_TEST_CASE(an_access_inside_another_is_refused) {
    const TempDir dir;
    Database database(optionsIn(dir));
    const auto write = [&] { put(database, Durability::relaxed, "x", 1); };
    const auto read = [&] { (void)countThings(database); };
    BOOST_CHECK_THROW(database.write(Durability::relaxed, [&](Connection&) { write(); }), Error);
    BOOST_CHECK_THROW(database.write(Durability::relaxed, [&](Connection&) { read(); }), Error);
    BOOST_CHECK_THROW(database.read([&](Connection&) { write(); }), Error);
    BOOST_CHECK_THROW(database.read([&](Connection&) { read(); }), Error);
    write();
    BOOST_TEST(countThings(database) == 1);
}

BOOST_AUTO_TEST_CASE(readers_see_whole_commits_and_are_not_starved_by_writers) {
    const TempDir dir;
    Database database(optionsIn(dir));
    std::atomic<bool> stop{false};
    std::vector<std::thread> writers;
    for (int i = 0; i < 4; ++i) {
        writers.emplace_back([&, i] {
            for (int n = 0; !stop; ++n)
                database.write(Durability::relaxed, [&](Connection& c) {
                    c.run("INSERT INTO thing VALUES (?, 1)", std::to_string(i) + "a" + std::to_string(n));
                    c.run("INSERT INTO thing VALUES (?, 1)", std::to_string(i) + "b" + std::to_string(n));
                });
        });
    }
    for (int n = 0; n < 200; ++n) BOOST_TEST(countThings(database) % 2 == 0);
    stop = true;
    for (auto& thread : writers) thread.join();
}

BOOST_AUTO_TEST_CASE(a_file_in_use_is_not_opened_a_second_time) {
    const TempDir dir;
    Database database(optionsIn(dir));
    BOOST_CHECK_EXCEPTION(Database{optionsIn(dir)}, Error,
                          [](const Error& error) { return error.text().find("locked") != std::string::npos; });
    put(database, Durability::synced, "a", 1);
}

BOOST_AUTO_TEST_CASE(migrations_go_forward_and_keep_a_copy) {
    const TempDir dir;
    {
        Database database(optionsIn(dir));
        put(database, Durability::synced, "a", 1);
    }
    DatabaseOptions newer = optionsIn(dir);
    newer.schemas[0].steps.emplace_back("ALTER TABLE thing ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'");
    newer.schemas.push_back({"other", {"CREATE TABLE other (id INTEGER)"}});
    {
        const Database database(newer);
        database.read([](Connection& c) {
            Statement s = c.prepare("SELECT colour FROM thing");
            BOOST_REQUIRE(s.step());
            BOOST_TEST(s.text(0) == "red");
        });
        BOOST_TEST(fs::exists(dir.path() / "state.db.before-upgrade"));
    }
    BOOST_CHECK_EXCEPTION(Database{optionsIn(dir)}, Error, [](const Error& error) {
        return error.code() == Code::conflict && error.text().find("version 2") != std::string::npos &&
               error.text().find("version 1") != std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(a_failing_migration_changes_nothing) {
    const TempDir dir;
    { Database database(optionsIn(dir)); }
    DatabaseOptions bad = optionsIn(dir);
    bad.schemas[0].steps.emplace_back("CREATE TABLE half (x); CREATE TABLE thing (x)");
    BOOST_CHECK_THROW(Database{bad}, Error);
    const Database database(optionsIn(dir));
    database.read([](Connection& c) {
        Statement s = c.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'half'");
        BOOST_TEST((s.step() && s.integer(0) == 0));
    });
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_moved_aside_and_what_is_readable_is_kept) {
    const TempDir dir;
    {
        Database database(optionsIn(dir));
        database.write(Durability::synced, [](Connection& c) {
            for (int i = 0; i < 2000; ++i)
                c.run("INSERT INTO thing VALUES (?, ?)", std::string(100, 'x') + std::to_string(i), i);
        });
    }
    damage(dir.path() / "state.db", 30 * 4096, 4096);
    const Database database(optionsIn(dir));
    BOOST_REQUIRE(database.quarantined().has_value());
    BOOST_TEST(fs::exists(*database.quarantined()));
    BOOST_TEST(countThings(database) > 1000);
    BOOST_TEST(countThings(database) < 2001);
}

BOOST_AUTO_TEST_CASE(garbage_empty_and_half_files_are_replaced) {
    for (const int kind : {0, 1, 2}) {
        const TempDir dir;
        {
            Database database(optionsIn(dir));
            put(database, Durability::synced, "a", 1);
        }
        if (kind == 0) damage(dir.path() / "state.db", 0, 64);
        if (kind == 1) fs::resize_file(dir.path() / "state.db", 0);
        if (kind == 2) fs::resize_file(dir.path() / "state.db", fs::file_size(dir.path() / "state.db") / 2);
        Database database(optionsIn(dir));
        BOOST_TEST(database.quarantined().has_value());
        put(database, Durability::synced, "new", 1);
    }
}

BOOST_AUTO_TEST_CASE(acknowledged_writes_survive_a_kill) {
    const TempDir dir;
    { Database database(optionsIn(dir)); }
    int pipe[2];
    BOOST_REQUIRE(::pipe(pipe) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        Database database(optionsIn(dir));
        for (int i = 0;; ++i) {
            put(database, i % 2 == 0 ? Durability::synced : Durability::relaxed, std::to_string(i), i);
            if (::write(pipe[1], "x", 1) != 1) ::_exit(1);
        }
    }
    ::close(pipe[1]);
    std::int64_t acknowledged = 0;
    char byte = 0;
    while (acknowledged < 300 && ::read(pipe[0], &byte, 1) == 1) ++acknowledged;
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(pipe[0], &byte, 1) == 1) ++acknowledged;
    ::close(pipe[0]);
    const Database database(optionsIn(dir));
    BOOST_TEST(countThings(database) >= acknowledged);
}

#if defined(DAVIT_FAILPOINTS)
BOOST_AUTO_TEST_CASE(a_full_disk_gets_room_made_once_and_the_job_runs_again) {
    const TempDir dir;
    DatabaseOptions options = optionsIn(dir);
    int asked = 0;
    options.make_space = [&] { return ++asked == 1; };
    Database database(options);
    failpoint::configure("store.before_commit=1*error(ENOSPC)->off");
    put(database, Durability::synced, "a", 1);
    BOOST_TEST(asked == 1);
    BOOST_TEST(countThings(database) == 1);
    failpoint::configure("store.before_commit=error(ENOSPC)");
    BOOST_CHECK_EXCEPTION(put(database, Durability::synced, "b", 1), Error,
                          [](const Error& error) { return error.sysErrno() == ENOSPC; });
    failpoint::configure("");
    BOOST_TEST(countThings(database) == 1);
    put(database, Durability::synced, "b", 1);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
