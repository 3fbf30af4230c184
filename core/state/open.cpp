#include "state/open.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/file.hpp"

namespace davit::state {
namespace {

namespace fs = std::filesystem;

constexpr int kBusyTimeoutMs = 1'000;  // the time a process needs to end that has just been killed
/// What the log holds before SQLite copies it into the file (1000 pages) and writes it from the start again.
constexpr std::int64_t kLogBytes = 4 << 20;

std::string pragma(Connection& connection, std::string_view name) {
    Statement statement = connection.prepare(fmt::format("PRAGMA {}", name));
    return statement.step() ? statement.text(0) : std::string();
}

bool isDamage(const Error& error) { return error.sysErrno() == EUCLEAN; }

/// quick_check also reads every page, so what can't be read shows here and not in the middle of a request.
void refuseDamage(Connection& connection) {
    const std::string found = pragma(connection, "quick_check(1)");
    if (found != "ok") throw Error(Code::system, "state store: " + found, EUCLEAN);
}

/// The file is there from the first second with the right mode; SQLite gives -wal and -shm the same one.
void createPrivate(const fs::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    check(fd.get(), "open {}", path.string());
}

int storedVersion(Connection& connection, const std::string& module) {
    Statement statement = connection.query("SELECT version FROM davit_schema WHERE module = ?", module);
    return statement.step() ? static_cast<int>(statement.integer(0)) : 0;
}

/// What a newer davit would have left behind is kept as it was before the first forward step.
void backUp(Connection& connection, const fs::path& path) {
    const fs::path copy = path.string() + ".before-upgrade";
    (void)::unlink(copy.c_str());  // of an upgrade before this one
    Statement statement = connection.prepare("VACUUM INTO ?");
    statement.bind(1, copy.string());
    statement.run();
    check(::chmod(copy.c_str(), 0600), "chmod {}", copy.string());
}

void migrate(Connection& connection, const DatabaseOptions& options) {
    connection.script("CREATE TABLE IF NOT EXISTS davit_schema (module TEXT PRIMARY KEY, version INTEGER NOT NULL)");
    bool any = false;
    bool upgrade = false;
    for (const Schema& schema : options.schemas) {
        const int version = storedVersion(connection, schema.module);
        const int known = static_cast<int>(schema.steps.size());
        if (version > known)
            throw error(Code::conflict,
                        "{}: its \"{}\" tables have version {}, but this davit knows only up to version {}; "
                        "use the newer davit that wrote it",
                        options.path.string(), schema.module, version, known);
        any = any || version < known;
        upgrade = upgrade || (version > 0 && version < known);
    }
    if (!any) return;
    if (upgrade) backUp(connection, options.path);
    connection.script("PRAGMA synchronous=FULL; BEGIN IMMEDIATE");
    try {
        for (const Schema& schema : options.schemas) {
            for (std::size_t at = static_cast<std::size_t>(storedVersion(connection, schema.module));
                 at < schema.steps.size(); ++at)
                connection.script(schema.steps[at]);
            connection.run(
                "INSERT INTO davit_schema VALUES (?, ?) ON CONFLICT (module) DO UPDATE SET version = "
                "excluded.version",
                schema.module, schema.steps.size());
        }
        connection.script("COMMIT");
    } catch (...) {
        if (::sqlite3_get_autocommit(connection.handle()) == 0) connection.script("ROLLBACK");
        throw;
    }
}

std::unique_ptr<Connection> openChecked(const DatabaseOptions& options) {
    struct stat info {};
    // SQLite takes an empty file for a new database and throws the log beside it away.
    if (::stat(options.path.c_str(), &info) == 0 && info.st_size == 0)
        throw Error(Code::system, fmt::format("{}: the file is empty", options.path.string()), EUCLEAN);
    createPrivate(options.path);
    auto connection = openConnection(options.path);
    refuseDamage(*connection);
    migrate(*connection, options);
    return connection;
}

fs::path moveAside(const fs::path& path) {
    const auto stamp = std::chrono::duration_cast<std::chrono::milliseconds>(now().time_since_epoch()).count();
    const fs::path aside = fmt::format("{}.damaged-{}", path.string(), stamp);
    for (const char* suffix : {"-wal", "-shm", ""}) {
        const std::string from = path.string() + suffix;
        if (::rename(from.c_str(), (aside.string() + suffix).c_str()) < 0 && errno != ENOENT)
            throw Error::system(fmt::format("move {} aside", from), errno);
    }
    return aside;
}

OpenedDatabase openOrReplace(const DatabaseOptions& options) {
    try {
        return {openChecked(options), std::nullopt};
    } catch (const Error& failure) {
        if (!isDamage(failure)) throw;
    }
    const fs::path aside = moveAside(options.path);
    auto connection = openChecked(options);
    salvage(*connection, aside);
    return {std::move(connection), aside};
}

}  // namespace

std::unique_ptr<Connection> openConnection(const fs::path& path) {
    sqlite3* handle = nullptr;
    const int result = ::sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    auto connection = std::make_unique<Connection>(handle);
    if (result != SQLITE_OK) throwSqlite(handle, result, fmt::format("open {}", path.string()));
    (void)::sqlite3_extended_result_codes(handle, 1);
    (void)::sqlite3_busy_timeout(handle, kBusyTimeoutMs);
    (void)::sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    (void)::sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    // Exclusive: the index of the log is then kept on the heap. Shared, it is a mapped file whose holes end the process
    // with SIGBUS when the disk is full (seen on ext4 with blocks of 1 KiB).
    connection->script("PRAGMA locking_mode=EXCLUSIVE; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY");
    connection->script(fmt::format("PRAGMA journal_size_limit={}", kLogBytes));
    if (const std::string mode = pragma(*connection, "journal_mode=WAL"); mode != "wal")
        throw error(Code::system, "{}: the file system can't hold a write-ahead log (journal mode is {})",
                    path.string(), mode);
    return connection;
}

OpenedDatabase openDatabase(const DatabaseOptions& options) {
    const auto make_space = [&] { return options.make_space && options.make_space(); };
    makeDirectories(options.path.parent_path(), 0711);
    OpenedDatabase opened;
    try {
        opened = openOrReplace(options);
    } catch (const Error& failure) {
        // A new file or a migration may need more than is free: a full disk gets one chance.
        if (failure.sysErrno() != ENOSPC || !make_space()) throw;
        opened = openOrReplace(options);
    }
    if (!allocateLog(options.path) && make_space()) (void)allocateLog(options.path);
    return opened;
}

bool allocateLog(const fs::path& path) {
    const UniqueFd log(::open((path.string() + "-wal").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    return log && (::fallocate(log.get(), FALLOC_FL_KEEP_SIZE, 0, kLogBytes) == 0 || errno != ENOSPC);
}

}  // namespace davit::state
