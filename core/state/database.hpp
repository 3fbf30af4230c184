// Database: the daemon's one SQLite file, where every object that must outlive the process has its rows.
//
// Each module brings its own Schema (tables and forward migrations); the modules share the file and the transactions.
//
//   - Writes run one after the other in the order of arrival, on the thread of one of those who wait: jobs that wait
//     together share one transaction and so one fsync (group commit). A job that throws is rolled back alone and its
//     exception reaches its own caller only.
//   - Readers run on the caller's thread, between two transactions; they see the last commit.
//   - A full disk refuses what adds objects (grow) and nothing else: the log's blocks are allocated beforehand, and
//     `make_space` gives more.
//   - The file belongs to one Database at a time; SQLite keeps no shared memory, so no mapped file can fail on a full
//     disk.
//   - A file written by a newer davit is refused, naming both versions. A damaged file is moved aside, what is readable
//     in it is copied to a new one, and `quarantined()` names the copy.
//
// Threads: every public function from any thread, except that a write or a read inside another is a programming error
// (use the Connection that the outer one got) and throws Error{system}. It outlives its callers.
#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace davit::state {

/// Whether a commit is on disk when write() returns. `relaxed` survives the process's end but not the machine's: for
/// facts that are read again from shims and cgroups. Everything a client is told exists or is gone is `synced`.
enum class Durability { relaxed, synced };

class Connection;

/// A prepared statement, borrowed from its connection's cache; reset and given back at the end of its life. Bind
/// positions start at 1, columns at 0. A value of another type than the column's is converted as SQLite does it.
class Statement {
  public:
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&&) = delete;
    ~Statement();

    Statement& bind(int position, std::int64_t value);
    Statement& bind(int position, std::string_view text);
    Statement& bindBlob(int position, std::string_view bytes);
    Statement& bindNull(int position);

    /// True: a row is there to be read. Throws Error{system} (errno ENOSPC when the disk is full).
    bool step();
    /// step() until the end, ignoring rows.
    void run();

    [[nodiscard]] bool isNull(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;  ///< text or blob, any bytes

  private:
    friend class Connection;
    Statement(Connection& connection, sqlite3_stmt* handle) : connection_(&connection), handle_(handle) {}
    Connection* connection_;
    sqlite3_stmt* handle_;
};

/// One open connection, as handed to jobs and readers. Valid during the call only.
class Connection {
  public:
    explicit Connection(sqlite3* handle) noexcept : handle_(handle) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    /// The statement for `sql`, compiled once per connection. Nested use of the same text gets a second one.
    Statement prepare(std::string_view sql);
    /// prepare + bind in order + run. Integers, bools and strings.
    template <typename... Args>
    void run(std::string_view sql, const Args&... args) {
        Statement statement = prepare(sql);
        int position = 0;
        (bindOne(statement, ++position, args), ...);
        statement.run();
    }
    /// prepare + bind in order; the caller steps.
    template <typename... Args>
    Statement query(std::string_view sql, const Args&... args) {
        Statement statement = prepare(sql);
        int position = 0;
        (bindOne(statement, ++position, args), ...);
        return statement;
    }
    /// Any number of statements without parameters.
    void script(const std::string& sql);
    /// Rows changed by the last INSERT, UPDATE or DELETE.
    [[nodiscard]] std::int64_t changes() const;
    [[nodiscard]] sqlite3* handle() const noexcept { return handle_; }

  private:
    friend class Statement;
    template <typename T>
    static void bindOne(Statement& statement, int position, const T& value) {
        if constexpr (std::is_integral_v<T>)
            statement.bind(position, static_cast<std::int64_t>(value));
        else
            statement.bind(position, std::string_view(value));
    }
    void giveBack(sqlite3_stmt* handle) noexcept;
    sqlite3* handle_;
    std::vector<std::pair<std::string, sqlite3_stmt*>> idle_;
};

/// The tables of one module. steps[n] is SQL that brings version n to n+1; released steps never change. Table names
/// begin with the module's name or are otherwise its own.
struct Schema {
    std::string module;
    std::vector<std::string> steps;
};

struct DatabaseOptions {
    std::filesystem::path path;
    std::vector<Schema> schemas;
    /// Called on a writing thread when a commit finds the disk full. True: space was made, the jobs are run once more.
    /// (DiskReserve::release is meant.) So a job may run twice: it acts on the database and its own result only.
    std::function<bool()> make_space = {};
    /// Asked on the caller's thread before each grow(): false refuses it. (DiskReserve::roomToGrow is meant.) Null:
    /// always.
    std::function<bool()> may_grow = {};
};

class Database {
  public:
    /// Opens or creates the file (mode 0600) and migrates. Throws Error{conflict} when a module's version is newer than
    /// its schema, Error{system} when the file can't be made.
    explicit Database(DatabaseOptions options);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    /// Runs `job(Connection&)` in a transaction, on this thread or on another writer's; returns its result after the commit. What it
    /// throws is thrown here, and then nothing of it is stored.
    template <typename Job>
    auto write(Durability durability, Job&& job) -> std::invoke_result_t<Job, Connection&> {
        return run({durability, Disk::may_use_reserve}, std::forward<Job>(job));
    }

    /// The same for what makes new objects (a container, a layer, an image, a name). On a full disk it fails with errno
    /// ENOSPC and leaves the reserve to those that end and remove.
    template <typename Job>
    auto grow(Durability durability, Job&& job) -> std::invoke_result_t<Job, Connection&> {
        refuseWithoutRoom();
        return run({durability, Disk::needs_room}, std::forward<Job>(job));
    }

    /// Runs `reader(Connection&)` on this thread in one read transaction (one consistent view). Waits for the writer's
    /// transaction under way.
    template <typename Reader>
    auto read(Reader&& reader) const -> std::invoke_result_t<Reader, Connection&> {
        const ReadScope scope(*this);
        return reader(scope.connection());
    }

    /// Where a damaged file was moved to when this one was opened: objects may be missing, owners should rebuild from
    /// disk.
    [[nodiscard]] const std::optional<std::filesystem::path>& quarantined() const noexcept;

  private:
    class ReadScope {
      public:
        explicit ReadScope(const Database& database);
        ~ReadScope();
        ReadScope(const ReadScope&) = delete;
        ReadScope& operator=(const ReadScope&) = delete;
        [[nodiscard]] Connection& connection() const noexcept;

      private:
        const Database& database_;
    };
    enum class Disk { may_use_reserve, needs_room };
    struct Terms {
        Durability durability;
        Disk disk;
    };
    template <typename Job>
    auto run(Terms terms, Job&& job) -> std::invoke_result_t<Job, Connection&> {
        using Result = std::invoke_result_t<Job, Connection&>;
        if constexpr (std::is_void_v<Result>) {
            submit(terms, [&job](Connection& connection) { job(connection); });
        } else {
            std::optional<Result> result;
            submit(terms, [&job, &result](Connection& connection) { result.emplace(job(connection)); });
            return std::move(*result);
        }
    }
    void refuseWithoutRoom() const;
    void submit(Terms terms, const std::function<void(Connection&)>& job);

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace davit::state
