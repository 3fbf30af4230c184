#include <sqlite3.h>

#include <algorithm>

#include "base/check.hpp"
#include "state/open.hpp"

namespace davit::state {
namespace {

std::vector<std::string> column(Connection& connection, const std::string& sql, int index) {
    std::vector<std::string> values;
    Statement statement = connection.prepare(sql);
    while (statement.step()) values.push_back(statement.text(index));
    return values;
}

/// Every value as it is, whatever its type.
void copyValues(sqlite3_stmt* from, sqlite3_stmt* to) {
    for (int i = 0; i < ::sqlite3_column_count(from); ++i)
        ::sqlite3_bind_value(to, i + 1, ::sqlite3_column_value(from, i));
}

/// Copies rows in one direction until the first that can't be read; those that stand already are ignored.
std::int64_t copyRows(Connection& target, sqlite3* source, const std::string& select, const std::string& insert) {
    sqlite3_stmt* from = nullptr;
    sqlite3_stmt* to = nullptr;
    std::int64_t copied = 0;
    if (::sqlite3_prepare_v2(source, select.c_str(), -1, &from, nullptr) == SQLITE_OK &&
        ::sqlite3_prepare_v2(target.handle(), insert.c_str(), -1, &to, nullptr) == SQLITE_OK) {
        while (::sqlite3_step(from) == SQLITE_ROW) {
            copyValues(from, to);
            if (::sqlite3_step(to) == SQLITE_DONE) copied += ::sqlite3_changes64(target.handle());
            ::sqlite3_reset(to);
        }
    }
    ::sqlite3_finalize(from);
    ::sqlite3_finalize(to);
    return copied;
}

std::int64_t copyTable(Connection& target, Connection& source, const std::string& table) {
    const std::string info = fmt::format("PRAGMA table_info(\"{}\")", table);
    const auto wanted = column(target, info, 1);
    std::string names;
    std::string marks;
    for (const std::string& name : column(source, info, 1)) {
        if (std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
        names += (names.empty() ? "\"" : ", \"") + name + "\"";
        marks += marks.empty() ? "?" : ", ?";
    }
    if (names.empty()) return 0;
    const std::string insert = fmt::format("INSERT OR IGNORE INTO \"{}\" ({}) VALUES ({})", table, names, marks);
    std::int64_t copied = 0;
    // From both ends: one unreadable page in the middle costs only its own rows.
    for (const char* direction : {"", " ORDER BY rowid DESC"})
        copied +=
            copyRows(target, source.handle(), fmt::format("SELECT {} FROM \"{}\"{}", names, table, direction), insert);
    return copied;
}

}  // namespace

std::int64_t salvage(Connection& target, const std::filesystem::path& damaged) {
    const auto tables = column(target,
                               "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
                               "AND name <> 'davit_schema'",
                               0);
    std::int64_t copied = 0;
    target.script("BEGIN IMMEDIATE");
    try {
        const auto source = openConnection(damaged);
        for (const std::string& table : tables) {
            try {
                copied += copyTable(target, *source, table);
            } catch (const Error&) {  // this table's description is unreadable; the others may be fine
            }
        }
    } catch (const Error&) {  // not a database any more: nothing to save
    }
    target.script("COMMIT");
    return copied;
}

}  // namespace davit::state
