// PluginRows: managed plugins in the state database, one row each, written synced before a client is told. What a plugin is stands in
// its directory; the row says that there is one, and what was set. Threads: any.
#pragma once

#include <string>
#include <vector>

#include "state/database.hpp"

namespace davit::managed {

struct PluginRow {
    std::string id;
    std::string name;
    bool enabled = false;
    std::int64_t timeout_s = 0;
    std::string settings = "{}";  ///< writeSettings()
};

class PluginRows {
  public:
    [[nodiscard]] static state::Schema schema();
    explicit PluginRows(state::Database& database) : database_(database) {}

    [[nodiscard]] std::vector<PluginRow> load() const;
    void save(const PluginRow& row);
    void remove(const std::string& id);

  private:
    state::Database& database_;
};

}  // namespace davit::managed
