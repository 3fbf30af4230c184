// Reading the image store at the start: rows, config documents, and their rebuilding after a lost database.
#include <algorithm>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "image/image_store_impl.hpp"
#include "oci/digest.hpp"

namespace davit::image {

namespace fs = std::filesystem;
using state::Connection;
using state::Durability;
using state::Statement;

namespace {

constexpr std::string_view kNamesMirror = "names.json";
constexpr std::string_view kSuffix = ".json";

/// "sha256:…" of a config file's name; empty for other files.
std::string idOf(const fs::path& path) {
    const std::string name = path.filename().string();
    if (!name.ends_with(kSuffix)) return {};
    std::string id = "sha256:" + name.substr(0, name.size() - kSuffix.size());
    return oci::isDigest(id) ? id : std::string();
}

std::string topChain(const oci::ImageConfig& config) {
    const auto chains = oci::chainIds(config.diff_ids);
    return chains.empty() ? std::string() : chains.back();
}

}  // namespace

ImageStore::Impl::Impl(state::Database& db, LayerStore& layer_store, const fs::path& where)
    : database(db), layers(layer_store), directory(where) {
    makeDirectories(directory, 0700);
    rebuild();
    readRows();
    removeOrphans();
}

fs::path ImageStore::Impl::configPath(std::string_view id) const {
    return directory / (std::string(oci::digestHex(id)) + std::string(kSuffix));
}

/// A document that doesn't match its name, can't be read, or whose layers are gone makes that one image unusable.
std::optional<ImageRecord> ImageStore::Impl::readImage(const std::string& id, const std::string& chain_id,
                                                       std::string& why) {
    try {
        auto text = readFile(configPath(id), oci::kMaxConfigBytes);
        if (!text) throw error(Code::system, "its configuration is missing");
        if (oci::sha256(*text) != id) throw error(Code::system, "its configuration is damaged");
        auto config = oci::parseImageConfig(*text);
        if (topChain(config) != chain_id) throw error(Code::system, "its record is damaged");
        if (!chain_id.empty() && !layers.look(chain_id)) throw error(Code::system, "its layers are missing");
        return ImageRecord{.config_json = std::make_shared<const std::string>(std::move(*text)),
                           .config = std::make_shared<const oci::ImageConfig>(std::move(config)),
                           .chain_id = chain_id,
                           .parent = {},
                           .tagged = std::nullopt};
    } catch (const Error& failure) {
        why = failure.text();
        return std::nullopt;
    }
}

void ImageStore::Impl::readRows() {
    struct Row {
        std::string id, chain_id, parent;
        std::int64_t tagged;
    };
    std::vector<Row> rows;
    std::map<std::string, std::string, std::less<>> read_names;
    database.read([&](Connection& c) {
        Statement image = c.prepare("SELECT id, chain_id, parent, tagged FROM image_images");
        while (image.step()) rows.push_back({image.text(0), image.text(1), image.text(2), image.integer(3)});
        Statement name = c.prepare("SELECT name, image_id FROM image_names");
        while (name.step()) read_names[name.text(0)] = name.text(1);
    });
    const Lock lock(mutex);
    for (const Row& row : rows) {
        std::string why;
        auto record = readImage(row.id, row.chain_id, why);
        if (!record) {
            damaged[row.id] = why;
            continue;
        }
        record->parent = row.parent;
        if (row.tagged != 0) record->tagged = SystemTime(std::chrono::nanoseconds(row.tagged));
        images.emplace(row.id, std::move(*record));
    }
    for (auto& [name, id] : read_names)
        if (images.contains(id)) names.emplace(name, id);
}

/// The documents name themselves, their layers are found by chain id, the names stand in a mirror file.
void ImageStore::Impl::rebuild() {
    const bool none = database.read([](Connection& c) {
        Statement s = c.prepare("SELECT 1 FROM image_images LIMIT 1");
        return !s.step();
    });
    if (!none && !database.quarantined()) return;
    for (const auto& entry : fs::directory_iterator(directory)) {
        const std::string id = idOf(entry.path());
        const auto text = id.empty() ? std::nullopt : readFile(entry.path(), oci::kMaxConfigBytes);
        if (!text || oci::sha256(*text) != id) continue;
        std::string chain_id;
        try {
            chain_id = topChain(oci::parseImageConfig(*text));
        } catch (const Error&) {  // no image
            continue;
        }
        if (!chain_id.empty() && !layers.look(chain_id)) continue;
        database.write(Durability::relaxed, [&](Connection& c) {
            c.run("INSERT OR IGNORE INTO image_images VALUES (?, ?, '', 0)", id, chain_id);
        });
    }
    try {
        const auto mirror = readFile(directory / kNamesMirror, oci::kMaxConfigBytes);
        if (!mirror) return;
        const auto kept = json::Document::parse(*mirror).root().stringMap();
        database.write(Durability::synced, [&](Connection& c) {
            for (const auto& [name, id] : kept)
                c.run("INSERT OR IGNORE INTO image_names SELECT ?, id FROM image_images WHERE id = ?", name, id);
        });
    } catch (const Error&) {  // the images are there, without names
    }
}

void ImageStore::Impl::writeNamesMirror() noexcept {
    try {
        std::map<std::string, std::string> all;
        {
            const Lock lock(mutex);
            all.insert(names.begin(), names.end());
        }
        json::Writer out;
        out.value(all);
        writeFileAtomically(directory / kNamesMirror, out.text());
    } catch (...) {  // only a second copy, for the worst case
    }
}

void ImageStore::Impl::removeOrphans() {
    const Lock lock(mutex);
    for (const auto& entry : fs::directory_iterator(directory)) {
        const std::string name = entry.path().filename().string();
        const std::string id = idOf(entry.path());
        const bool orphan = id.empty() ? name != kNamesMirror : !images.contains(id) && !damaged.contains(id);
        std::error_code ignored;  // it will be tried again at the next start
        if (orphan) fs::remove(entry.path(), ignored);
    }
}

}  // namespace davit::image
