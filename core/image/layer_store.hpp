// LayerStore: what graph drivers lack, above any StorageDriver: layer states, intents, sharing, atomic publication.
//
// Read-only layers are named by chain id, known to the driver by a random id, and pass creating -> applied -> sealed.
// Only sealed layers are seen; a row of intent is written before the driver is asked, so that after a crash at any
// instruction reconcile() removes what was half done and whatever the driver holds without a row. A layer lives while
// an image, another layer, a container or a LayerRef needs it; nothing is counted in the store, so no count can be
// wrong.
//
// Each layer has a side file from which the very tar it came from is made again (image/tar_split.hpp), so a saved image
// keeps its digests, whatever the driver.
//
// Writable layers belong to containers and carry the container's id in the driver.
//
// Threads: any. Two callers that apply the same layer do the work once. No lock is held while a driver is called.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_stream.hpp"
#include "driver/storage_driver.hpp"
#include "state/database.hpp"

namespace davit::image {

/// A sealed read-only layer.
struct Layer {
    std::string chain_id;
    std::string parent;     ///< chain id, empty: lowest
    std::string diff_id;    ///< digest of the uncompressed tar
    std::string driver_id;  ///< what the driver calls it
    std::int64_t size = 0;  ///< sum of its files' sizes
    std::int64_t tar_size = 0;
    bool exact = true;  ///< false: its tar can't be made again (it came without `reopen`)
};

class LayerStore;

/// Keeps a layer (and so its parents) alive. The last one to go removes a layer that nothing else needs. Movable; must
/// not outlive the store.
class LayerRef {
  public:
    LayerRef() noexcept = default;
    LayerRef(LayerRef&& other) noexcept;
    LayerRef& operator=(LayerRef&& other) noexcept;
    ~LayerRef();
    [[nodiscard]] const Layer& layer() const noexcept { return layer_; }
    [[nodiscard]] const Layer* operator->() const noexcept { return &layer_; }
    explicit operator bool() const noexcept { return store_ != nullptr; }
    void reset() noexcept;

  private:
    friend class LayerStore;
    LayerRef(LayerStore& store, Layer layer) : store_(&store), layer_(std::move(layer)) {}
    LayerStore* store_ = nullptr;
    Layer layer_;
};

struct ApplyLayer {
    std::string parent;            ///< chain id; empty: none
    ByteSource* source = nullptr;  ///< the uncompressed tar; read to its end
    /// Not empty: what the tar must be. A known layer is then taken without reading the source.
    std::string expected_diff_id;
    /// Opens the same tar once more. Needed only for a tar whose entries hide each other, which is then kept whole;
    /// without it such a layer isn't exact.
    std::function<std::unique_ptr<ByteSource>()> reopen;
    std::string mount_label;
    /// Told the number of tar bytes done so far. May throw to cancel.
    std::function<void(std::int64_t)> progress;
};

struct CreateWritable {
    std::string container_id;
    std::string chain_id;  ///< the image's top layer; empty: an empty root
    std::string mount_label;
    Options storage_opt;
    bool disposable = false;  ///< needn't survive a crash of the host: a container that is removed when it exits
};

/// A layer that is mounted on the host, as a directory; unmounted at the end of its life. For cp, export, diff, save.
class MountedLayer {
  public:
    MountedLayer(StorageDriver& driver, std::string driver_id, const std::string& mount_label);
    MountedLayer(MountedLayer&& other) noexcept;
    MountedLayer& operator=(MountedLayer&&) = delete;
    ~MountedLayer();
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  private:
    StorageDriver* driver_;
    std::string driver_id_;
    std::filesystem::path path_;
};

/// What reconcile() found and did.
struct LayerReconciliation {
    std::vector<std::string> removed;  ///< driver ids that were half made or unknown
    std::vector<std::string> missing;  ///< chain ids whose layer the driver doesn't have any more
    std::vector<std::string> failed;   ///< "id: why" of what couldn't be removed; tried again at the next start
};

class LayerStore {
  public:
    /// The tables this store and the image store keep; part of DatabaseOptions::schemas.
    [[nodiscard]] static state::Schema schema();

    /// `directory` is the store's own (side files, temporary files); the driver has been init()ed with `driver_home`.
    LayerStore(state::Database& database, StorageDriver& driver, const std::filesystem::path& directory,
               const std::string& driver_home);
    LayerStore(const LayerStore&) = delete;
    LayerStore& operator=(const LayerStore&) = delete;
    ~LayerStore();

    // --- read-only layers ---
    /// Makes the layer or finds it; it is sealed when this returns. Throws Error{invalid} for a tar that is none, one
    /// that doesn't have the expected digest, or a depth beyond 125; Error{not_found} for an unknown parent; nothing is
    /// left then. Not yet synced to disk: see sync().
    [[nodiscard]] LayerRef applyLayer(const ApplyLayer& request);
    /// std::nullopt: no sealed layer of that chain id.
    [[nodiscard]] std::optional<LayerRef> find(std::string_view chain_id);
    /// The same without keeping it alive.
    [[nodiscard]] std::optional<Layer> look(std::string_view chain_id) const;
    [[nodiscard]] std::vector<Layer> layers() const;
    /// Sum of `size` over the chain; 0 for an empty chain id.
    [[nodiscard]] std::int64_t chainSize(std::string_view chain_id) const;
    /// Makes applied layers durable; called once before what refers to them is committed.
    void sync();
    /// Writes the layer's tar, byte for byte what was applied: tar_size bytes with the digest diff_id. Throws
    /// Error{system} when the files have been changed behind the store's back.
    void writeTar(const Layer& layer, ByteSink& out);
    /// Writes the content of a lowest layer as a new tar, in which nothing hides anything.
    void repack(const Layer& layer, ByteSink& out);
    [[nodiscard]] MountedLayer mountLayer(const Layer& layer, const std::string& mount_label = {});
    /// Removes the layer and its parents as far as nothing needs them any more; returns the removed chain ids, top
    /// first.
    std::vector<std::string> collect(std::string_view chain_id);

    // --- writable layers of containers ---
    /// Throws Error{not_found} for an unknown chain, Error{invalid} for a storage_opt the driver can't honour,
    /// Error{conflict} when the container has one.
    void createWritable(const CreateWritable& request);
    /// Unknown ids succeed.
    void removeWritable(const std::string& container_id);
    [[nodiscard]] bool hasWritable(const std::string& container_id) const;
    [[nodiscard]] std::vector<std::string> writables() const;
    /// What the shim mounts as the root: the driver's mounts, or a bind of the directory that the driver mounted on the
    /// host (kept until releaseMounts). Called again for a container that still runs after a restart of the daemon.
    [[nodiscard]] std::vector<MountSpec> rootMounts(const std::string& container_id);
    /// Gives back what rootMounts() took. Without one nothing happens.
    void releaseMounts(const std::string& container_id);
    [[nodiscard]] MountedLayer mountWritable(const std::string& container_id);
    /// The container's own bytes (SizeRw).
    [[nodiscard]] std::int64_t writableSize(const std::string& container_id);
    /// Bytes of the whole root (SizeRootFs): the image's layers plus the container's own.
    [[nodiscard]] std::int64_t rootSize(const std::string& container_id);
    /// Changes against the image, sorted by path.
    [[nodiscard]] std::vector<LayerChange> changes(const std::string& container_id);
    /// The changes as an uncompressed layer tar.
    void diff(const std::string& container_id, ByteSink& out);
    /// GraphDriver.Data of a container.
    [[nodiscard]] Options writableMetadata(const std::string& container_id);
    /// GraphDriver.Data of an image.
    [[nodiscard]] Options layerMetadata(std::string_view chain_id);

    // --- the whole ---
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> driverStatus();
    /// After a start, before anything else: `known_containers` are those whose writable layers stay. Removes half-made
    /// and unknown layers; unknown ones stay when the database had been damaged (Database::quarantined). Never throws
    /// for one object's fault.
    LayerReconciliation reconcile(const std::vector<std::string>& known_containers);
    /// A directory for temporary files, emptied at every start.
    [[nodiscard]] const std::filesystem::path& temporaryDirectory() const noexcept;
    [[nodiscard]] StorageDriver& driver() noexcept;

    struct Impl;

  private:
    friend class LayerRef;
    std::unique_ptr<Impl> impl_;
};

}  // namespace davit::image
