#include "managed/plugin_rows.hpp"

namespace davit::managed {

state::Schema PluginRows::schema() {
    return {"managed",
            {"CREATE TABLE managed_plugins (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL, "
             "timeout INTEGER NOT NULL, settings TEXT NOT NULL) WITHOUT ROWID;"}};
}

std::vector<PluginRow> PluginRows::load() const {
    return database_.read([](state::Connection& connection) {
        std::vector<PluginRow> rows;
        state::Statement statement = connection.query("SELECT id, name, enabled, timeout, settings FROM managed_plugins");
        while (statement.step())
            rows.push_back({statement.text(0), statement.text(1), statement.integer(2) != 0, statement.integer(3), statement.text(4)});
        return rows;
    });
}

void PluginRows::save(const PluginRow& row) {
    database_.grow(state::Durability::synced, [&](state::Connection& connection) {
        connection.run("INSERT OR REPLACE INTO managed_plugins VALUES (?, ?, ?, ?, ?)", row.id, row.name, row.enabled, row.timeout_s,
                       row.settings);
    });
}

void PluginRows::remove(const std::string& id) {
    database_.write(state::Durability::synced,
                    [&](state::Connection& connection) { connection.run("DELETE FROM managed_plugins WHERE id = ?", id); });
}

}  // namespace davit::managed
