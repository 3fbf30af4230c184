#include <sqlite3.h>

#include <algorithm>

#include "base/check.hpp"
#include "state/database.hpp"
#include "state/open.hpp"

namespace davit::state {

void throwSqlite(sqlite3* handle, int result, std::string_view doing) {
    const int primary = result & 0xff;
    const int system_errno = handle != nullptr ? ::sqlite3_system_errno(handle) : 0;
    if (primary == SQLITE_FULL || (primary == SQLITE_IOERR && system_errno == ENOSPC))
        throw Error(Code::system, fmt::format("{}: no space left on device", doing), ENOSPC);
    const char* text = handle != nullptr ? ::sqlite3_errmsg(handle) : ::sqlite3_errstr(result);
    const bool damaged = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
    throw Error(Code::system, fmt::format("{}: {}", doing, text), damaged ? EUCLEAN : system_errno);
}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_), handle_(std::exchange(other.handle_, nullptr)) {}

Statement::~Statement() {
    if (handle_ != nullptr) connection_->giveBack(handle_);
}

namespace {
void checkBind(sqlite3_stmt* statement, int result) {
    if (result != SQLITE_OK) throwSqlite(::sqlite3_db_handle(statement), result, "bind a value");
}
}  // namespace

Statement& Statement::bind(int position, std::int64_t value) {
    checkBind(handle_, ::sqlite3_bind_int64(handle_, position, value));
    return *this;
}

Statement& Statement::bind(int position, std::string_view text) {
    // A null pointer would bind NULL; an empty text is not that.
    const char* data = text.data() != nullptr ? text.data() : "";
    checkBind(handle_, ::sqlite3_bind_text64(handle_, position, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
    return *this;
}

Statement& Statement::bindBlob(int position, std::string_view bytes) {
    const char* data = bytes.data() != nullptr ? bytes.data() : "";
    checkBind(handle_, ::sqlite3_bind_blob64(handle_, position, data, bytes.size(), SQLITE_TRANSIENT));
    return *this;
}

Statement& Statement::bindNull(int position) {
    checkBind(handle_, ::sqlite3_bind_null(handle_, position));
    return *this;
}

bool Statement::step() {
    const int result = ::sqlite3_step(handle_);
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) return false;
    throwSqlite(::sqlite3_db_handle(handle_), result, "state store");
}

void Statement::run() {
    while (step()) {
    }
}

bool Statement::isNull(int column) const { return ::sqlite3_column_type(handle_, column) == SQLITE_NULL; }

std::int64_t Statement::integer(int column) const { return ::sqlite3_column_int64(handle_, column); }

std::string Statement::text(int column) const {
    const auto* data = static_cast<const char*>(::sqlite3_column_blob(handle_, column));
    const int size = ::sqlite3_column_bytes(handle_, column);
    return data == nullptr ? std::string() : std::string(data, static_cast<std::size_t>(size));
}

Connection::~Connection() {
    for (const auto& [sql, statement] : idle_) ::sqlite3_finalize(statement);
    ::sqlite3_close_v2(handle_);
}

Statement Connection::prepare(std::string_view sql) {
    const auto found =
        std::find_if(idle_.rbegin(), idle_.rend(), [&](const auto& entry) { return entry.first == sql; });
    if (found != idle_.rend()) {
        sqlite3_stmt* statement = found->second;
        idle_.erase(std::next(found).base());
        return {*this, statement};
    }
    sqlite3_stmt* statement = nullptr;
    const int result = ::sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                            SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (result != SQLITE_OK) throwSqlite(handle_, result, fmt::format("prepare \"{}\"", sql));
    return {*this, statement};
}

void Connection::giveBack(sqlite3_stmt* statement) noexcept {
    // The result of reset is that of the last step, which step() has reported.
    (void)::sqlite3_reset(statement);
    (void)::sqlite3_clear_bindings(statement);
    try {
        idle_.emplace_back(::sqlite3_sql(statement), statement);
    } catch (...) {  // no memory to remember it
        ::sqlite3_finalize(statement);
    }
}

void Connection::script(const std::string& sql) {
    const int result = ::sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
    if (result != SQLITE_OK) throwSqlite(handle_, result, "state store");
}

std::int64_t Connection::changes() const { return ::sqlite3_changes64(handle_); }

}  // namespace davit::state
