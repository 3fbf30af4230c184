#include "image/image_store.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/failpoint.hpp"
#include "base/file.hpp"
#include "image/image_store_impl.hpp"
#include "oci/digest.hpp"

namespace davit::image {

using oci::Reference;
using state::Connection;
using state::Durability;

namespace {

bool isHex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

constexpr std::string_view kAlgorithm = "sha256:";

/// "sha256:…" of what may be the beginning of an id; empty when it can't be one.
std::string idPrefix(std::string_view text) {
    if (text.starts_with(kAlgorithm)) text.remove_prefix(kAlgorithm.size());
    if (text.empty() || text.size() > 64 || !isHex(text)) return {};
    return std::string(kAlgorithm) + std::string(text);
}

std::int64_t nanoseconds(SystemTime time) { return time.time_since_epoch().count(); }

}  // namespace

std::string nameKey(const Reference& reference) {
    Reference key = reference.withDefaultTag();
    if (!key.digest.empty()) key.tag.clear();
    return key.string();
}

bool isIdPrefix(std::string_view text, std::string_view id) {
    return text.starts_with(kAlgorithm) ? id.starts_with(text) : oci::digestHex(id).starts_with(text);
}

ImageStore::ImageStore(state::Database& database, LayerStore& layers, const std::filesystem::path& directory)
    : impl_(std::make_unique<Impl>(database, layers, directory)) {}
ImageStore::~ImageStore() = default;

void ImageStore::setUsers(ImageUsers users) { impl_->users = std::move(users); }
void ImageStore::setEvents(std::function<void(const ImageEvent&)> events) { impl_->events = std::move(events); }
LayerStore& ImageStore::layers() noexcept { return impl_->layers; }
void ImageStore::emit(const ImageEvent& event) const {
    if (!impl_->events) return;
    ImageEvent labelled = event;
    if (const std::optional<Image> image = find(event.image_id)) labelled.labels = image->config->config.labels;
    impl_->events(labelled);
}

// --- with the mutex held ---

std::vector<Reference> ImageStore::Impl::namesOf(const std::string& id) const {
    std::vector<Reference> found;
    for (const auto& [name, image_id] : names)
        if (image_id == id) found.push_back(Reference::parse(name));
    return found;
}

std::vector<std::string> ImageStore::Impl::childrenOf(const std::string& id) const {
    std::vector<std::string> found;
    for (const auto& [child, record] : images)
        if (record.parent == id) found.push_back(child);
    return found;
}

Image ImageStore::Impl::snapshot(const std::string& id, const ImageRecord& record) const {
    Image image{.id = id,
                .config_json = record.config_json,
                .config = record.config,
                .repo_tags = {},
                .repo_digests = {},
                .chain_id = record.chain_id,
                .parent = record.parent,
                .size = layers.chainSize(record.chain_id),
                .created = record.config->created,
                .last_tag_time = record.tagged};
    for (const Reference& name : namesOf(id))
        (name.digest.empty() ? image.repo_tags : image.repo_digests).push_back(name.familiarString());
    std::sort(image.repo_tags.begin(), image.repo_tags.end());
    std::sort(image.repo_digests.begin(), image.repo_digests.end());
    return image;
}

/// Docker's order: a whole id, a name, the beginning of an id. std::nullopt also when that is the beginning of several.
std::optional<std::string> ImageStore::Impl::findId(std::string_view text) const {
    const std::string prefix = idPrefix(text);
    if (const auto whole = images.find(prefix); whole != images.end()) return whole->first;
    if (!oci::isDigest(text) && !oci::isDigest(prefix)) {
        const auto named = names.find(nameKey(Reference::parse(text)));
        if (named != names.end()) return named->second;
    }
    if (prefix.empty()) return std::nullopt;
    const auto first = images.lower_bound(prefix);
    if (first == images.end() || !first->first.starts_with(prefix)) return std::nullopt;
    const auto second = std::next(first);
    if (second != images.end() && second->first.starts_with(prefix)) return std::nullopt;
    return first->first;
}

std::string ImageStore::Impl::resolveId(std::string_view text) const {
    if (auto id = findId(text)) return *id;
    const std::string prefix = idPrefix(text);
    if (oci::isDigest(prefix)) throw error(Code::not_found, "No such image: {}", prefix);
    throw error(Code::not_found, "No such image: {}", Reference::parse(text).withDefaultTag().familiarString());
}

// --- reading ---

Image ImageStore::resolve(std::string_view name_or_id) const {
    const Lock lock(impl_->mutex);
    const std::string id = impl_->resolveId(name_or_id);
    return impl_->snapshot(id, impl_->images.find(id)->second);
}

std::optional<Image> ImageStore::find(std::string_view id) const {
    const Lock lock(impl_->mutex);
    const auto found = impl_->images.find(id);
    return found == impl_->images.end() ? std::nullopt : std::optional(impl_->snapshot(found->first, found->second));
}

std::size_t ImageStore::count() const {
    const Lock lock(impl_->mutex);
    return impl_->images.size();
}

std::int64_t ImageStore::layersSize() const {
    std::int64_t sum = 0;
    for (const Layer& layer : impl_->layers.layers()) sum += layer.size;
    return sum;
}

std::vector<std::string> ImageStore::damaged() const {
    const Lock lock(impl_->mutex);
    std::vector<std::string> found;
    for (const auto& [id, why] : impl_->damaged) found.push_back(id + ": " + why);
    return found;
}

// --- changing ---

Image ImageStore::create(const NewImage& request) {
    auto config = std::make_shared<const oci::ImageConfig>(oci::parseImageConfig(request.config_json));
    const std::string id = oci::sha256(request.config_json);
    const auto chains = oci::chainIds(config->diff_ids);
    const std::string chain_id = chains.empty() ? std::string() : chains.back();
    const auto layer = chain_id.empty() ? std::optional(LayerRef()) : impl_->layers.find(chain_id);
    if (!layer) throw error(Code::not_found, "layer {} does not exist", chain_id);
    std::vector<std::string> keys;
    for (const std::string& name : request.names) keys.push_back(nameKey(Reference::parse(name)));
    if (!request.layers_synced) impl_->layers.sync();

    const Lock changing(impl_->changing);
    const bool known = find(id).has_value();
    writeFileAtomically(impl_->configPath(id), request.config_json, 0600, Sync::yes);
    Defer undo([&] {
        if (!known) (void)std::filesystem::remove(impl_->configPath(id));
    });
    DAVIT_FAILPOINT("image.config_written");
    const std::optional<SystemTime> tagged = keys.empty() ? std::nullopt : std::optional(now());
    impl_->database.grow(Durability::synced, [&](Connection& c) {
        c.run(
            "INSERT INTO image_images VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET chain_id = excluded.chain_id, "
            "tagged = max(tagged, excluded.tagged)",
            id, chain_id, request.parent, tagged ? nanoseconds(*tagged) : 0);
        for (const std::string& key : keys)
            c.run("INSERT INTO image_names VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET image_id = excluded.image_id",
                  key, id);
    });
    undo.dismiss();
    DAVIT_FAILPOINT("image.tag_written");
    {
        const Lock lock(impl_->mutex);
        ImageRecord& record = impl_->images[id];
        record.config_json = std::make_shared<const std::string>(request.config_json);
        record.config = config;
        record.chain_id = chain_id;
        if (!known) record.parent = request.parent;
        if (tagged) record.tagged = tagged;
        for (const std::string& key : keys) impl_->names[key] = id;
        impl_->damaged.erase(id);
    }
    impl_->writeNamesMirror();
    return *find(id);
}

void ImageStore::tag(std::string_view name_or_id, std::string_view target) {
    const Reference name = Reference::parse(target).withDefaultTag();
    if (!name.digest.empty()) throw Error(Code::invalid, "refusing to create a tag with a digest reference");
    if (name.familiarName() == "sha256")
        throw Error(Code::invalid, "refusing to create an ambiguous tag using digest algorithm as name");
    std::string id;
    {
        const Lock changing(impl_->changing);
        const SystemTime tagged = now();
        {
            const Lock lock(impl_->mutex);
            id = impl_->resolveId(name_or_id);
        }
        impl_->database.grow(Durability::synced, [&](Connection& c) {
            c.run("INSERT INTO image_names VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET image_id = excluded.image_id",
                  nameKey(name), id);
            c.run("UPDATE image_images SET tagged = ? WHERE id = ?", nanoseconds(tagged), id);
        });
        {
            const Lock lock(impl_->mutex);
            impl_->names[nameKey(name)] = id;
            impl_->images[id].tagged = tagged;
        }
        impl_->writeNamesMirror();
    }
    emit({.action = "tag", .image_id = id, .name = name.familiarString(), .labels = {}});
}

}  // namespace davit::image
