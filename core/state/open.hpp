// Opening the store's file: settings, check for damage, quarantine, salvage, migrations. Used by Database only.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "state/database.hpp"

namespace davit::state {

/// Throws the Error for a failed SQLite call: SQLITE_FULL is errno ENOSPC, damage is errno EUCLEAN.
[[noreturn]] void throwSqlite(sqlite3* handle, int result, std::string_view doing);

/// A connection with davit's settings (WAL, exclusive, busy timeout, defensive): no second one of the same file can be
/// used beside it. Throws Error.
[[nodiscard]] std::unique_ptr<Connection> openConnection(const std::filesystem::path& path);

struct OpenedDatabase {
    std::unique_ptr<Connection> writer;
    std::optional<std::filesystem::path> quarantined;
};

/// Opens, checks and migrates; a damaged file is moved aside and replaced by what is readable in it.
[[nodiscard]] OpenedDatabase openDatabase(const DatabaseOptions& options);

/// Gives the log its blocks, so that a commit on a full disk needs none. False: there is no room. A file system that can't
/// do this counts as done: there the reserve has to suffice. For an open database and for one that was closed, which takes
/// its log away; so a full disk can't keep the next start from writing.
bool allocateLog(const std::filesystem::path& path);

/// Copies every row that can be read of the tables that `target` has from the file `damaged`. Returns how many. Never
/// throws for what it finds in the damaged file.
std::int64_t salvage(Connection& target, const std::filesystem::path& damaged);

}  // namespace davit::state
