// ContainerRows: the containers' rows in the state database.
//
//     containers         one row each: what create made of the request, and the last known state
//     container_intents  a create or remove that is under way: its kernel objects may exist in part
//     engine_facts       of the host as last seen: boot id, daemon id
//
// A row that can't be read gives a Row with `damage`, never a failure of the others. Threads: any.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/container.hpp"
#include "state/database.hpp"

namespace davit::engine {

/// The row's state: what inspect shows, and what only a restart needs.
struct StoredState {
    ContainerState state;
    int restart_count = 0;
    bool starting = false;  ///< a start was under way: the kernel knows how it went
    /// Where the volumes of the last run are on the host: destination -> path.
    std::map<std::string, std::string> volume_sources{};
};

struct Row {
    Container container;
    bool starting = false;
    std::string damage;  ///< not empty: why the row can't be read; only id and name are meaningful
};

struct Intent {
    std::string id;
    std::string operation;             ///< "create" or "remove"
    std::vector<std::string> volumes;  ///< that go with the container
};

class ContainerRows {
  public:
    [[nodiscard]] static state::Schema schema();
    explicit ContainerRows(state::Database& database) : database_(database) {}

    [[nodiscard]] std::vector<Row> load() const;
    [[nodiscard]] std::vector<Intent> intents() const;

    /// Before anything of a new container exists.
    void intendCreate(const std::string& id, const std::vector<std::string>& volumes);
    /// The container exists; synced.
    void insert(const Container& container);
    /// The container's configuration has changed; synced.
    void saveConfig(const Container& container);
    /// It is called otherwise; synced.
    void rename(const std::string& id, const std::string& name);
    /// A create came to nothing, or a removal is complete.
    void clearIntent(const std::string& id);
    void saveState(const std::string& id, const StoredState& stored, state::Durability durability);
    /// The container doesn't exist any more; what it held, and these volumes of its own, are to be cleaned up.
    void remove(const std::string& id, const std::vector<std::string>& volumes, state::Durability durability);

    [[nodiscard]] std::optional<std::string> fact(const std::string& name) const;
    void setFact(const std::string& name, const std::string& value);

  private:
    state::Database& database_;
};

/// The JSON of a row's two documents; public for tests.
[[nodiscard]] std::string encodeContainer(const Container& container);
[[nodiscard]] std::string encodeState(const StoredState& stored);
/// Throws Error{invalid} for what it can't read.
void decodeContainer(std::string_view json, Container& container);
[[nodiscard]] StoredState decodeState(std::string_view json);

}  // namespace davit::engine
