#include "network/network_rows.hpp"

#include "base/check.hpp"

namespace davit::network {
namespace {

constexpr std::pair<NetworkState, std::string_view> kStates[] = {
    {NetworkState::creating, "creating"}, {NetworkState::ready, "ready"}, {NetworkState::removing, "removing"}};

std::string_view stateName(NetworkState state) {
    for (const auto& [value, name] : kStates)
        if (value == state) return name;
    return "ready";
}

NetworkState parseState(std::string_view text) {
    for (const auto& [value, name] : kStates)
        if (name == text) return value;
    throw error(Code::invalid, "unknown state '{}'", text);
}

NetworkRow readNetwork(state::Statement& statement) {
    NetworkRow row;
    row.network.id = statement.text(0);
    row.network.config.name = statement.text(1);
    try {
        row.state = parseState(statement.text(2));
        decodeNetwork(statement.text(3), row.network);
    } catch (const Error& failure) {
        row.damage = failure.text();
    }
    return row;
}

SandboxRow readSandbox(state::Statement& statement) {
    SandboxRow row;
    row.sandbox.id = statement.text(0);
    try {
        decodeSandbox(statement.text(1), row.sandbox);
    } catch (const Error& failure) {
        row.damage = failure.text();
    }
    return row;
}

}  // namespace

state::Schema NetworkRows::schema() {
    return {"network",
            {"CREATE TABLE networks (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL, "
             "document TEXT NOT NULL) WITHOUT ROWID;"
             "CREATE TABLE network_sandboxes (id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;"}};
}

std::vector<NetworkRow> NetworkRows::networks() const {
    return database_.read([](state::Connection& connection) {
        std::vector<NetworkRow> rows;
        state::Statement statement = connection.query("SELECT id, name, state, document FROM networks");
        while (statement.step()) rows.push_back(readNetwork(statement));
        return rows;
    });
}

std::vector<SandboxRow> NetworkRows::sandboxes() const {
    return database_.read([](state::Connection& connection) {
        std::vector<SandboxRow> rows;
        state::Statement statement = connection.query("SELECT id, document FROM network_sandboxes");
        while (statement.step()) rows.push_back(readSandbox(statement));
        return rows;
    });
}

void NetworkRows::intendCreate(const Network& network) {
    const std::string document = encodeNetwork(network);
    database_.grow(state::Durability::relaxed, [&](state::Connection& connection) {
        connection.run("INSERT INTO networks VALUES (?, ?, ?, ?)", network.id, network.config.name,
                       stateName(NetworkState::creating), document);
    });
}

void NetworkRows::save(const Network& network, NetworkState state) {
    const std::string document = encodeNetwork(network);
    const bool ready = state == NetworkState::ready;
    database_.grow(ready ? state::Durability::synced : state::Durability::relaxed, [&](state::Connection& connection) {
        connection.run("UPDATE networks SET state = ?, document = ? WHERE id = ?", stateName(state), document, network.id);
    });
}

void NetworkRows::setState(const std::string& id, NetworkState state) {
    database_.write(state::Durability::relaxed, [&](state::Connection& connection) {
        connection.run("UPDATE networks SET state = ? WHERE id = ?", stateName(state), id);
    });
}

void NetworkRows::remove(const std::string& id, state::Durability durability) {
    database_.write(durability,
                    [&](state::Connection& connection) { connection.run("DELETE FROM networks WHERE id = ?", id); });
}

void NetworkRows::insert(const Sandbox& sandbox) {
    const std::string document = encodeSandbox(sandbox);
    database_.grow(state::Durability::relaxed, [&](state::Connection& connection) {
        connection.run("INSERT INTO network_sandboxes VALUES (?, ?)", sandbox.id, document);
    });
}

void NetworkRows::update(const Sandbox& sandbox) {
    const std::string document = encodeSandbox(sandbox);
    database_.write(state::Durability::relaxed, [&](state::Connection& connection) {
        connection.run("UPDATE network_sandboxes SET document = ? WHERE id = ?", document, sandbox.id);
    });
}

void NetworkRows::removeSandbox(const std::string& id) {
    database_.write(state::Durability::relaxed, [&](state::Connection& connection) {
        connection.run("DELETE FROM network_sandboxes WHERE id = ?", id);
    });
}

}  // namespace davit::network
