// NetworkRows: networks and sandboxes in the state database.
//
//     networks           one row each, with a state: a row that isn't "ready" is the intent of a create or remove under way
//     network_sandboxes  one row each, with its endpoints; an endpoint that isn't "attached" is an intent in the same way
//
// What a client is told exists or is gone is synced; sandboxes end with the machine, so theirs are relaxed. Threads: any.
#pragma once

#include <string>
#include <vector>

#include "network/network.hpp"
#include "state/database.hpp"

namespace davit::network {

enum class NetworkState { creating, ready, removing };

struct NetworkRow {
    Network network;
    NetworkState state = NetworkState::ready;
    std::string damage;  ///< not empty: why the row can't be read; only id and name are meaningful
};

struct SandboxRow {
    Sandbox sandbox;
    std::string damage;  ///< as above; only the id is meaningful
};

class NetworkRows {
  public:
    [[nodiscard]] static state::Schema schema();
    explicit NetworkRows(state::Database& database) : database_(database) {}

    [[nodiscard]] std::vector<NetworkRow> networks() const;
    [[nodiscard]] std::vector<SandboxRow> sandboxes() const;

    /// Before anything of a new network exists.
    void intendCreate(const Network& network);
    /// The network as it is now; synced when it is ready.
    void save(const Network& network, NetworkState state);
    void setState(const std::string& id, NetworkState state);
    void remove(const std::string& id, state::Durability durability);

    /// Before anything of a new sandbox exists.
    void insert(const Sandbox& sandbox);
    void update(const Sandbox& sandbox);
    void removeSandbox(const std::string& id);

  private:
    state::Database& database_;
};

/// The JSON of the rows; public for tests. decode throws Error{invalid} for what it can't read.
[[nodiscard]] std::string encodeNetwork(const Network& network);
void decodeNetwork(std::string_view json, Network& network);
[[nodiscard]] std::string encodeSandbox(const Sandbox& sandbox);
void decodeSandbox(std::string_view json, Sandbox& sandbox);

}  // namespace davit::network
