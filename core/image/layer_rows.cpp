#include <dirent.h>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "image/layer_store_impl.hpp"
#include "oci/digest.hpp"

namespace davit::image {

namespace fs = std::filesystem;
using state::Connection;
using state::Durability;
using state::Statement;

state::Schema LayerStore::schema() {
    return {"image", {R"(
CREATE TABLE image_layers (driver_id TEXT PRIMARY KEY, chain_id TEXT NOT NULL, parent TEXT NOT NULL, diff_id TEXT NOT NULL,
    size INTEGER NOT NULL, tar_size INTEGER NOT NULL, exact INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX image_layers_chain ON image_layers (chain_id) WHERE state = 'sealed';
CREATE TABLE image_writables (container_id TEXT PRIMARY KEY, chain_id TEXT NOT NULL, mount_label TEXT NOT NULL,
    state TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE image_images (id TEXT PRIMARY KEY, chain_id TEXT NOT NULL, parent TEXT NOT NULL, tagged INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE INDEX image_images_chain ON image_images (chain_id);
CREATE TABLE image_names (name TEXT PRIMARY KEY, image_id TEXT NOT NULL) WITHOUT ROWID;
)"}};
}

void LayerStore::Impl::readRows() {
    std::vector<Layer> rows;
    std::map<std::string, Writable> containers;
    database.read([&](Connection& c) {
        Statement layer = c.prepare(
            "SELECT chain_id, parent, diff_id, driver_id, size, tar_size, exact FROM image_layers WHERE state = "
            "'sealed'");
        while (layer.step())
            rows.push_back({layer.text(0), layer.text(1), layer.text(2), layer.text(3), layer.integer(4),
                            layer.integer(5), layer.integer(6) != 0});
        Statement writable =
            c.prepare("SELECT container_id, chain_id, mount_label FROM image_writables WHERE state = 'ready'");
        while (writable.step())
            containers[writable.text(0)] = {
                .chain_id = writable.text(1), .mount_label = writable.text(2), .held_path = {}};
    });
    std::map<std::string, std::string, std::less<>> gone;
    for (const Layer& row : rows)
        if (!driver.exists(row.driver_id)) gone[row.chain_id] = row.driver_id;
    const Lock lock(mutex);
    writables = std::move(containers);
    missing = std::move(gone);
    for (Layer& row : rows) {
        if (missing.contains(row.chain_id)) continue;
        if (!row.parent.empty()) ++children[row.parent];
        const std::string chain_id = row.chain_id;
        sealed.emplace(chain_id, std::move(row));
    }
}

/// After a damaged or lost database: the side files say which layers there are. Writable layers have none; so that they
/// aren't taken for garbage, nothing without a row is removed as long as the note stands.
void LayerStore::Impl::rebuildRows() {
    const bool none = database.read([](Connection& c) {
        Statement s = c.prepare("SELECT 1 FROM image_layers LIMIT 1");
        return !s.step();
    });
    if (!none && !database.quarantined()) return;
    std::size_t found = 0;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(layers_directory, ignored)) {
        const auto layer = readSideFile(entry.path());
        if (!layer) continue;
        ++found;
        database.write(Durability::relaxed, [&](Connection& c) {
            c.run("INSERT OR IGNORE INTO image_layers VALUES (?, ?, ?, ?, ?, ?, ?, 'sealed')", layer->driver_id,
                  layer->chain_id, layer->parent, layer->diff_id, layer->size, layer->tar_size, layer->exact);
        });
    }
    if (found > 0 || database.quarantined())
        writeFileAtomically(
            keep_unknown_file,
            "The database was lost. Layers that it didn't know any more are kept as long as this file exists.\n");
}

void LayerStore::Impl::insertRow(const Layer& layer, std::string_view state_name) {
    database.grow(intentDurability(), [&](Connection& c) {
        c.run("INSERT INTO image_layers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", layer.driver_id, layer.chain_id, layer.parent,
              layer.diff_id, layer.size, layer.tar_size, layer.exact, state_name);
    });
}

void LayerStore::Impl::writeSideFile(const Layer& layer) const {
    json::Writer out;
    out.object([&] {
        out.member("chain_id", layer.chain_id).member("parent", layer.parent).member("diff_id", layer.diff_id);
        out.member("driver_id", layer.driver_id).member("size", layer.size).member("tar_size", layer.tar_size);
        out.member("exact", layer.exact);
    });
    writeFileAtomically(sideDirectory(layer.driver_id) / kLayerFile, out.text());
}

std::optional<Layer> LayerStore::Impl::readSideFile(const fs::path& directory) const {
    try {
        const auto text = readFile(directory / kLayerFile);
        if (!text) return std::nullopt;
        const json::Document document = json::Document::parse(*text);
        const json::Value root = document.root();
        Layer layer{root["chain_id"].string(),  root["parent"].string(), root["diff_id"].string(),
                    root["driver_id"].string(), root["size"].integer(),  root["tar_size"].integer(),
                    root["exact"].boolean(true)};
        const bool whole = layer.chain_id == oci::chainId(layer.parent, layer.diff_id) &&
                           oci::isDigest(layer.diff_id) && layer.driver_id == directory.filename() &&
                           driver.exists(layer.driver_id);
        return whole ? std::optional(layer) : std::nullopt;
    } catch (const Error&) {  // damaged: this layer can't be rebuilt, the others can
        return std::nullopt;
    }
}

void LayerStore::Impl::setState(const std::string& driver_id, std::string_view state_name) {
    database.write(Durability::relaxed, [&](Connection& c) {
        c.run("UPDATE image_layers SET state = ? WHERE driver_id = ?", state_name, driver_id);
    });
}

void LayerStore::Impl::deleteRow(const std::string& driver_id) {
    database.write(Durability::relaxed,
                   [&](Connection& c) { c.run("DELETE FROM image_layers WHERE driver_id = ?", driver_id); });
}

}  // namespace davit::image
