#include "image/layer_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/failpoint.hpp"
#include "base/file.hpp"
#include "image/layer_store_impl.hpp"

namespace davit::image {

namespace fs = std::filesystem;

// --- LayerRef ---

LayerRef::LayerRef(LayerRef&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)), layer_(std::move(other.layer_)) {}

LayerRef& LayerRef::operator=(LayerRef&& other) noexcept {
    if (this == &other) return *this;
    reset();
    store_ = std::exchange(other.store_, nullptr);
    layer_ = std::move(other.layer_);
    return *this;
}

LayerRef::~LayerRef() { reset(); }

void LayerRef::reset() noexcept {
    if (LayerStore* store = std::exchange(store_, nullptr)) store->impl_->unlease(layer_.chain_id);
}

// --- MountedLayer ---

MountedLayer::MountedLayer(StorageDriver& driver, std::string driver_id, const std::string& mount_label)
    : driver_(&driver), driver_id_(std::move(driver_id)), path_(driver.get(driver_id_, mount_label)) {}

MountedLayer::MountedLayer(MountedLayer&& other) noexcept
    : driver_(std::exchange(other.driver_, nullptr)),
      driver_id_(std::move(other.driver_id_)),
      path_(std::move(other.path_)) {}

MountedLayer::~MountedLayer() {
    if (driver_ == nullptr) return;
    try {
        driver_->put(driver_id_);
    } catch (...) {  // a destructor; the driver's cleanup() at shutdown takes what stayed
    }
}

// --- Impl ---

LayerStore::Impl::Impl(LayerStore& self, state::Database& db, StorageDriver& storage, const fs::path& directory,
                       const std::string& home)
    : store(self),
      database(db),
      driver(storage),
      capabilities(storage.capabilities(home)),
      driver_home(home),
      layers_directory(directory / "layers"),
      temporary_directory(directory / "tmp"),
      mount_points(directory / "mount-points"),
      keep_unknown_file(directory / "keep-unknown-layers") {
    removeTree(temporary_directory);
    makeDirectories(temporary_directory, 0700);
    makeDirectories(layers_directory, 0700);
    rebuildRows();
    readRows();
}

LayerStore::Impl::ChainLock::ChainLock(Impl& impl, std::string chain_id) : impl_(impl), chain_id_(std::move(chain_id)) {
    const Lock lock(impl_.mutex);
    while (impl_.busy.contains(chain_id_)) impl_.changed.wait(impl_.mutex);
    impl_.busy.insert(chain_id_);
}

LayerStore::Impl::ChainLock::~ChainLock() {
    {
        const Lock lock(impl_.mutex);
        impl_.busy.erase(chain_id_);
    }
    impl_.changed.notify_all();
}

std::optional<Layer> LayerStore::Impl::get(std::string_view chain_id) {
    const Lock lock(mutex);
    const auto found = sealed.find(chain_id);
    return found == sealed.end() ? std::nullopt : std::optional(found->second);
}

std::optional<LayerRef> LayerStore::Impl::lease(std::string_view chain_id) {
    const Lock lock(mutex);
    const auto found = sealed.find(chain_id);
    if (found == sealed.end()) return std::nullopt;
    ++leases[found->first];
    return LayerRef(store, found->second);
}

void LayerStore::Impl::unlease(const std::string& chain_id) noexcept {
    try {
        {
            const Lock lock(mutex);
            const auto found = leases.find(chain_id);
            if (--found->second > 0) return;
            leases.erase(found);
            if (needed(chain_id)) return;
        }
        (void)store.collect(chain_id);
    } catch (...) {  // called by destructors; reconcile() at the next start removes what stayed
    }
}

std::string LayerStore::Impl::driverId(std::string_view chain_id) {
    if (chain_id.empty()) return {};
    const auto layer = get(chain_id);
    if (!layer) throw error(Code::not_found, "layer {} does not exist", chain_id);
    return layer->driver_id;
}

std::size_t LayerStore::Impl::depth(std::string_view chain_id) {
    const Lock lock(mutex);
    std::size_t count = 0;
    for (auto at = sealed.find(chain_id); at != sealed.end(); at = sealed.find(at->second.parent)) ++count;
    return count;
}

/// Image rows are asked under the mutex on purpose: whoever commits one holds a lease until after the commit.
bool LayerStore::Impl::needed(const std::string& chain_id) {
    if (leases.contains(chain_id) || children.contains(chain_id)) return true;
    const auto uses = [&](const auto& entry) { return entry.second.chain_id == chain_id; };
    if (std::any_of(writables.begin(), writables.end(), uses)) return true;
    return database.read([&](state::Connection& c) {
        state::Statement s = c.query("SELECT 1 FROM image_images WHERE chain_id = ? LIMIT 1", chain_id);
        return s.step();
    });
}

/// Takes the layer out of sight if nothing needs it.
std::optional<Layer> LayerStore::Impl::unpublish(const std::string& chain_id) {
    const Lock lock(mutex);
    const auto found = sealed.find(chain_id);
    if (found == sealed.end() || needed(chain_id)) return std::nullopt;
    Layer layer = std::move(found->second);
    sealed.erase(found);
    return layer;
}

void LayerStore::Impl::destroy(const std::string& driver_id) {
    driver.remove(driver_id);
    removeTree(sideDirectory(driver_id));
    deleteRow(driver_id);
}

// --- LayerStore ---

LayerStore::LayerStore(state::Database& database, StorageDriver& driver, const fs::path& directory,
                       const std::string& driver_home)
    : impl_(std::make_unique<Impl>(*this, database, driver, directory, driver_home)) {}
LayerStore::~LayerStore() = default;

std::optional<LayerRef> LayerStore::find(std::string_view chain_id) { return impl_->lease(chain_id); }

std::optional<Layer> LayerStore::look(std::string_view chain_id) const { return impl_->get(chain_id); }

std::vector<Layer> LayerStore::layers() const {
    const Lock lock(impl_->mutex);
    std::vector<Layer> all;
    for (const auto& [chain_id, layer] : impl_->sealed) all.push_back(layer);
    return all;
}

std::int64_t LayerStore::chainSize(std::string_view chain_id) const {
    const Lock lock(impl_->mutex);
    std::int64_t sum = 0;
    for (auto at = impl_->sealed.find(chain_id); at != impl_->sealed.end(); at = impl_->sealed.find(at->second.parent))
        sum += at->second.size;
    return sum;
}

void LayerStore::sync() {
    for (const fs::path& path : {impl_->layers_directory, impl_->driver_home}) {
        if (path.empty() || !fs::exists(path)) continue;
        const UniqueFd directory = openFile(path, O_RDONLY | O_DIRECTORY);
        check(::syncfs(directory.get()), "sync {}", path.string());
    }
}

MountedLayer LayerStore::mountLayer(const Layer& layer, const std::string& mount_label) {
    return {impl_->driver, layer.driver_id, mount_label};
}

std::vector<std::string> LayerStore::collect(std::string_view chain_id) {
    std::vector<std::string> removed;
    std::string at(chain_id);
    while (!at.empty()) {
        const Impl::ChainLock sole(*impl_, at);
        const auto layer = impl_->unpublish(at);
        if (!layer) break;
        // From here on it is gone for everybody; a failure leaves a row that reconcile() finishes.
        impl_->setState(layer->driver_id, "removing");
        {
            const Lock lock(impl_->mutex);
            const auto siblings = impl_->children.find(layer->parent);
            if (siblings != impl_->children.end() && --siblings->second == 0) impl_->children.erase(siblings);
        }
        DAVIT_FAILPOINT("image.layer_removing");
        impl_->destroy(layer->driver_id);
        removed.push_back(layer->chain_id);
        at = layer->parent;
    }
    return removed;
}

std::vector<std::pair<std::string, std::string>> LayerStore::driverStatus() { return impl_->driver.status(); }
const fs::path& LayerStore::temporaryDirectory() const noexcept { return impl_->temporary_directory; }
StorageDriver& LayerStore::driver() noexcept { return impl_->driver; }

Options LayerStore::layerMetadata(std::string_view chain_id) {
    if (chain_id.empty()) return {};
    return impl_->driver.metadata(impl_->driverId(chain_id));
}

}  // namespace davit::image
