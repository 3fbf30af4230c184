#include "volume/volume_rows.hpp"

#include "base/check.hpp"
#include "base/json.hpp"

namespace davit::volume {
namespace {

constexpr std::pair<VolumeState, std::string_view> kStates[] = {
    {VolumeState::creating, "creating"}, {VolumeState::ready, "ready"}, {VolumeState::removing, "removing"},
    {VolumeState::renaming, "renaming"}};

std::string_view stateName(VolumeState state) {
    for (const auto& [value, name] : kStates)
        if (value == state) return name;
    return "ready";
}

VolumeState parseState(std::string_view text) {
    for (const auto& [value, name] : kStates)
        if (name == text) return value;
    throw error(Code::invalid, "unknown state '{}'", text);
}

VolumeRow readRow(state::Statement& statement) {
    VolumeRow row;
    row.volume.name = statement.text(0);
    row.volume.driver = statement.text(1);
    row.filling = statement.integer(3) != 0;
    try {
        row.state = parseState(statement.text(2));
        row.origin = statement.text(4);
        decodeVolume(statement.text(5), row.volume);
    } catch (const Error& failure) {
        row.damage = failure.text();
    }
    return row;
}

}  // namespace

state::Schema VolumeRows::schema() {
    return {"volume",
            {"CREATE TABLE volumes (name TEXT PRIMARY KEY, driver TEXT NOT NULL, state TEXT NOT NULL, filling INTEGER NOT NULL, "
             "origin TEXT NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;"
             "CREATE TABLE volume_mounts (id TEXT PRIMARY KEY, volume TEXT NOT NULL, user TEXT NOT NULL) WITHOUT ROWID;"}};
}

std::vector<VolumeRow> VolumeRows::load() const {
    return database_.read([](state::Connection& connection) {
        std::vector<VolumeRow> rows;
        state::Statement statement = connection.query("SELECT name, driver, state, filling, origin, document FROM volumes");
        while (statement.step()) rows.push_back(readRow(statement));
        return rows;
    });
}

void VolumeRows::intendCreate(const Volume& volume) {
    const std::string document = encodeVolume(volume);
    database_.grow(state::Durability::relaxed, [&](state::Connection& connection) {
        connection.run("INSERT OR REPLACE INTO volumes VALUES (?, ?, ?, 0, '', ?)", volume.name, volume.driver,
                       stateName(VolumeState::creating), document);
    });
}

void VolumeRows::save(const Volume& volume) {
    const std::string document = encodeVolume(volume);
    database_.grow(state::Durability::synced, [&](state::Connection& connection) {
        connection.run("INSERT OR REPLACE INTO volumes VALUES (?, ?, ?, 0, '', ?)", volume.name, volume.driver,
                       stateName(VolumeState::ready), document);
    });
}

void VolumeRows::intendRename(const std::string& old_name, const Volume& volume) {
    const std::string document = encodeVolume(volume);
    database_.grow(state::Durability::relaxed, [&](state::Connection& connection) {
        connection.run("INSERT OR REPLACE INTO volumes VALUES (?, ?, ?, 0, ?, ?)", volume.name, volume.driver,
                       stateName(VolumeState::renaming), old_name, document);
    });
}

void VolumeRows::rename(const std::string& old_name, const Volume& volume) {
    const std::string document = encodeVolume(volume);
    database_.write(state::Durability::synced, [&](state::Connection& connection) {
        connection.run("DELETE FROM volumes WHERE name = ?", old_name);
        connection.run("INSERT OR REPLACE INTO volumes VALUES (?, ?, ?, 0, '', ?)", volume.name, volume.driver,
                       stateName(VolumeState::ready), document);
    });
}

void VolumeRows::setState(const std::string& name, VolumeState state) {
    database_.write(state::Durability::relaxed, [&](state::Connection& connection) {
        connection.run("UPDATE volumes SET state = ? WHERE name = ?", stateName(state), name);
    });
}

void VolumeRows::setFilling(const std::string& name, bool filling) {
    database_.write(state::Durability::relaxed, [&](state::Connection& connection) {
        connection.run("UPDATE volumes SET filling = ? WHERE name = ?", filling, name);
    });
}

void VolumeRows::remove(const std::string& name, state::Durability durability) {
    database_.write(durability,
                    [&](state::Connection& connection) { connection.run("DELETE FROM volumes WHERE name = ?", name); });
}

std::vector<MountRow> VolumeRows::mounts() const {
    return database_.read([](state::Connection& connection) {
        std::vector<MountRow> rows;
        state::Statement statement = connection.query("SELECT id, volume, user FROM volume_mounts");
        while (statement.step()) rows.push_back({statement.text(0), statement.text(1), statement.text(2)});
        return rows;
    });
}

void VolumeRows::insertMount(const MountRow& mount) {
    // A start on a full disk must not fail for this: at worst a mount goes unended.
    database_.write(state::Durability::relaxed, [&](state::Connection& connection) {
        connection.run("INSERT OR REPLACE INTO volume_mounts VALUES (?, ?, ?)", mount.id, mount.volume, mount.user);
    });
}

void VolumeRows::removeMount(const std::string& id) {
    database_.write(state::Durability::relaxed,
                    [&](state::Connection& connection) { connection.run("DELETE FROM volume_mounts WHERE id = ?", id); });
}

std::string encodeVolume(const Volume& volume) {
    json::Writer out;
    out.object([&] {
        out.member("Mountpoint", volume.mountpoint).member("Scope", volume.scope).member("CreatedAt", volume.created_at);
        out.member("Options", volume.options).member("Labels", volume.labels);
    });
    return out.take();
}

void decodeVolume(std::string_view text, Volume& volume) {
    const json::Document document = json::Document::parse(text);
    const json::Value root = document.root();
    volume.mountpoint = root["Mountpoint"].string();
    volume.scope = root["Scope"].string();
    volume.created_at = root["CreatedAt"].string();
    volume.options = root["Options"].stringMap();
    volume.labels = root["Labels"].stringMap();
}

}  // namespace davit::volume
