#include "engine/container_rows.hpp"

#include "base/check.hpp"
#include "engine/mount_rows.hpp"
#include "network/network_json.hpp"
#include "runtime/container_config_json.hpp"

namespace davit::engine {
namespace {

std::string timeText(const std::optional<SystemTime>& time) {
    return time ? formatRfc3339(*time) : std::string(kZeroTime);
}

std::string namesText(const std::vector<std::string>& names) {
    json::Writer out;
    out.value(names);
    return out.take();
}

Row readRow(state::Statement& statement) {
    Row row;
    row.container.id = statement.text(0);
    row.container.name = statement.text(1);
    row.container.config = std::make_shared<const runtime::ContainerConfig>();
    row.container.host_config = std::make_shared<const runtime::HostConfig>();
    try {
        decodeContainer(statement.text(2), row.container);
        const StoredState stored = decodeState(statement.text(3));
        row.container.state = stored.state;
        row.container.restart_count = stored.restart_count;
        row.starting = stored.starting;
        for (runtime::MountPoint& mount : row.container.mounts)
            if (const auto source = stored.volume_sources.find(mount.destination); source != stored.volume_sources.end())
                mount.source = source->second;
    } catch (const Error& failure) {
        row.damage = failure.text();
    }
    return row;
}

}  // namespace

state::Schema ContainerRows::schema() {
    return {"engine",
            {"CREATE TABLE containers (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, config TEXT NOT NULL, "
             "state TEXT NOT NULL) WITHOUT ROWID;"
             "CREATE TABLE container_intents (id TEXT PRIMARY KEY, operation TEXT NOT NULL) WITHOUT ROWID;"
             "CREATE TABLE engine_facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
             "ALTER TABLE container_intents ADD COLUMN volumes TEXT NOT NULL DEFAULT '[]';"}};
}

std::vector<Row> ContainerRows::load() const {
    return database_.read([](state::Connection& connection) {
        std::vector<Row> rows;
        state::Statement statement = connection.query("SELECT id, name, config, state FROM containers");
        while (statement.step()) rows.push_back(readRow(statement));
        return rows;
    });
}

std::vector<Intent> ContainerRows::intents() const {
    return database_.read([](state::Connection& connection) {
        std::vector<Intent> found;
        state::Statement statement = connection.query("SELECT id, operation, volumes FROM container_intents");
        while (statement.step()) {
            const json::Document volumes = json::Document::parse(statement.text(2));
            found.push_back({statement.text(0), statement.text(1), volumes.root().strings()});
        }
        return found;
    });
}

void ContainerRows::intendCreate(const std::string& id, const std::vector<std::string>& volumes) {
    const std::string names = namesText(volumes);
    // Relaxed: it has to outlive this process only. After a power cut the driver's own list tells of layers without a row.
    database_.grow(state::Durability::relaxed, [&](state::Connection& connection) {
        connection.run("INSERT OR REPLACE INTO container_intents VALUES (?, 'create', ?)", id, names);
    });
}

void ContainerRows::insert(const Container& container) {
    const std::string config = encodeContainer(container);
    const std::string state = encodeState({container.state, container.restart_count, false});
    // One that is removed at its end isn't kept over a restart of the machine.
    const auto durability = container.host_config->auto_remove ? state::Durability::relaxed : state::Durability::synced;
    database_.grow(durability, [&](state::Connection& connection) {
        connection.run("INSERT INTO containers VALUES (?, ?, ?, ?)", container.id, container.name, config, state);
        connection.run("DELETE FROM container_intents WHERE id = ?", container.id);
    });
}

void ContainerRows::saveConfig(const Container& container) {
    const std::string config = encodeContainer(container);
    database_.write(state::Durability::synced, [&](state::Connection& connection) {
        connection.run("UPDATE containers SET config = ? WHERE id = ?", config, container.id);
    });
}

void ContainerRows::rename(const std::string& id, const std::string& name) {
    database_.write(state::Durability::synced,
                    [&](state::Connection& connection) { connection.run("UPDATE containers SET name = ? WHERE id = ?", name, id); });
}

void ContainerRows::clearIntent(const std::string& id) {
    database_.write(state::Durability::relaxed, [&](state::Connection& connection) {
        connection.run("DELETE FROM container_intents WHERE id = ?", id);
    });
}

void ContainerRows::saveState(const std::string& id, const StoredState& stored, state::Durability durability) {
    const std::string state = encodeState(stored);
    database_.write(durability, [&](state::Connection& connection) {
        connection.run("UPDATE containers SET state = ? WHERE id = ?", state, id);
    });
}

void ContainerRows::remove(const std::string& id, const std::vector<std::string>& volumes, state::Durability durability) {
    const std::string names = namesText(volumes);
    database_.write(durability, [&](state::Connection& connection) {
        connection.run("DELETE FROM containers WHERE id = ?", id);
        connection.run("INSERT OR REPLACE INTO container_intents VALUES (?, 'remove', ?)", id, names);
    });
}

std::optional<std::string> ContainerRows::fact(const std::string& name) const {
    return database_.read([&](state::Connection& connection) -> std::optional<std::string> {
        state::Statement statement = connection.query("SELECT value FROM engine_facts WHERE name = ?", name);
        if (!statement.step()) return std::nullopt;
        return statement.text(0);
    });
}

void ContainerRows::setFact(const std::string& name, const std::string& value) {
    database_.write(state::Durability::synced, [&](state::Connection& connection) {
        connection.run("INSERT OR REPLACE INTO engine_facts VALUES (?, ?)", name, value);
    });
}

std::string encodeContainer(const Container& container) {
    json::Writer out;
    out.object([&] {
        out.member("Created", formatRfc3339(container.created));
        out.member("ImageID", container.image_id);
        out.member("ImageRef", container.image_ref);
        out.member("Path", container.path);
        out.member("Args", container.args);
        out.member("Driver", container.storage_driver);
        out.member("LogPath", container.log_path);
        out.array("Mounts", [&] {
            for (const runtime::MountPoint& mount : container.mounts) writeMountPoint(out, mount);
        });
        out.key("Config");
        runtime::write(out, *container.config);
        out.key("HostConfig");
        runtime::write(out, *container.host_config);
        out.object("Networks", [&] {
            for (const auto& [name, endpoint] : container.network.networks) {
                out.key(name);
                network::write(out, endpoint.config);
            }
        });
    });
    return out.take();
}

void decodeContainer(std::string_view text, Container& container) {
    const json::Document document = json::Document::parse(text);
    const json::Value root = document.root();
    const std::optional<SystemTime> created = parseRfc3339(root["Created"].stringView());
    if (!created) throw Error(Code::invalid, "the row has no time of creation");
    container.created = *created;
    container.image_id = root["ImageID"].string();
    container.image_ref = root["ImageRef"].string();
    container.path = root["Path"].string();
    container.args = root["Args"].strings();
    container.storage_driver = root["Driver"].string();
    container.log_path = root["LogPath"].string();
    container.config =
        std::make_shared<const runtime::ContainerConfig>(runtime::readContainerConfig(root["Config"]));
    container.host_config = std::make_shared<const runtime::HostConfig>(runtime::readHostConfig(root["HostConfig"]));
    for (const json::Value mount : root["Mounts"].array()) container.mounts.push_back(readMountPoint(mount));
    for (const auto& [name, endpoint] : root["Networks"].object())
        container.network.networks[std::string(name)].config = network::readEndpointConfig(endpoint);
}

std::string encodeState(const StoredState& stored) {
    const ContainerState& state = stored.state;
    json::Writer out;
    out.object([&] {
        out.member("Status", statusName(state.status));
        out.member("OOMKilled", state.oom_killed);
        out.member("ExitCode", state.exit_code);
        out.member("Error", state.error);
        out.member("StartedAt", timeText(state.started_at));
        out.member("FinishedAt", timeText(state.finished_at));
        out.member("RestartCount", stored.restart_count);
        out.member("Starting", stored.starting);
        out.member("StoppedByClient", state.stopped_by_client);
        if (!stored.volume_sources.empty()) out.member("VolumeSources", stored.volume_sources);
    });
    return out.take();
}

StoredState decodeState(std::string_view text) {
    const json::Document document = json::Document::parse(text);
    const json::Value root = document.root();
    StoredState stored;
    const std::optional<Status> status = parseStatus(root["Status"].stringView());
    if (!status) throw error(Code::invalid, "unknown state '{}'", root["Status"].string());
    stored.state.status = *status;
    stored.state.oom_killed = root["OOMKilled"].boolean();
    stored.state.exit_code = static_cast<int>(root["ExitCode"].integer());
    stored.state.error = root["Error"].string();
    stored.state.started_at = parseRfc3339(root["StartedAt"].stringView());
    stored.state.finished_at = parseRfc3339(root["FinishedAt"].stringView());
    stored.restart_count = static_cast<int>(root["RestartCount"].integer());
    stored.starting = root["Starting"].boolean();
    stored.state.stopped_by_client = root["StoppedByClient"].boolean();
    stored.volume_sources = root["VolumeSources"].stringMap();
    return stored;
}

}  // namespace davit::engine
