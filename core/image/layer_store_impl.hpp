// The inside of LayerStore, shared by its sources: rows in memory, leases, and the lock on one chain id.
#pragma once

#include <map>
#include <set>

#include "base/thread_annotations.hpp"
#include "image/layer_store.hpp"
#include "image/mount_points.hpp"

namespace davit::image {

inline constexpr std::size_t kMaxDepth = 125;

/// What a layer's tar is made again from.
inline constexpr std::string_view kSplitFile = "split.zst";   ///< side stream of tar_split.hpp
inline constexpr std::string_view kTarFile = "tar.zst";       ///< the whole tar
inline constexpr std::string_view kLayerFile = "layer.json";  ///< the row once more, to rebuild a lost database

struct Writable {
    std::string chain_id;
    std::string mount_label;
    bool held = false;  ///< rootMounts() has a get() of the driver
    std::string held_path;
};

struct LayerStore::Impl {
    Impl(LayerStore& self, state::Database& db, StorageDriver& storage, const std::filesystem::path& directory,
         const std::string& driver_home);

    /// Sole right to make or remove the layer of a chain id. Others wait.
    class ChainLock {
      public:
        ChainLock(Impl& impl, std::string chain_id);
        ~ChainLock();
        ChainLock(const ChainLock&) = delete;
        ChainLock& operator=(const ChainLock&) = delete;

      private:
        Impl& impl_;
        std::string chain_id_;
    };

    // layer_rows.cpp
    void readRows();
    void rebuildRows();
    void insertRow(const Layer& layer, std::string_view state);
    void writeSideFile(const Layer& layer) const;
    [[nodiscard]] std::optional<Layer> readSideFile(const std::filesystem::path& directory) const;
    void setState(const std::string& driver_id, std::string_view state);
    void deleteRow(const std::string& driver_id);

    [[nodiscard]] std::filesystem::path sideDirectory(const std::string& driver_id) const {
        return layers_directory / driver_id;
    }
    /// Commits that must not be lost with the machine only when the driver can't tell what it has.
    [[nodiscard]] state::Durability intentDurability() const {
        return capabilities.list ? state::Durability::relaxed : state::Durability::synced;
    }
    std::optional<Layer> get(std::string_view chain_id) DAVIT_EXCLUDES(mutex);
    std::optional<LayerRef> lease(std::string_view chain_id) DAVIT_EXCLUDES(mutex);
    void unlease(const std::string& chain_id) noexcept DAVIT_EXCLUDES(mutex);
    [[nodiscard]] std::string driverId(std::string_view chain_id) DAVIT_EXCLUDES(mutex);
    [[nodiscard]] std::size_t depth(std::string_view chain_id) DAVIT_EXCLUDES(mutex);
    [[nodiscard]] bool needed(const std::string& chain_id) DAVIT_REQUIRES(mutex);
    std::optional<Layer> unpublish(const std::string& chain_id) DAVIT_EXCLUDES(mutex);
    void destroy(const std::string& driver_id);
    Writable writable(const std::string& container_id) DAVIT_EXCLUDES(mutex);

    LayerStore& store;
    state::Database& database;
    StorageDriver& driver;
    StorageCapabilities capabilities;
    std::filesystem::path driver_home;
    std::filesystem::path layers_directory;
    std::filesystem::path temporary_directory;
    MountPoints mount_points;
    std::filesystem::path keep_unknown_file;  ///< while it exists, layers without rows are left alone

    Mutex mutex;
    Condition changed;
    std::map<std::string, Layer, std::less<>> sealed DAVIT_GUARDED_BY(mutex);
    std::map<std::string, std::string, std::less<>> missing DAVIT_GUARDED_BY(mutex);  ///< chain id -> driver id
    std::map<std::string, int> leases DAVIT_GUARDED_BY(mutex);
    std::map<std::string, int> children DAVIT_GUARDED_BY(mutex);
    std::set<std::string> busy DAVIT_GUARDED_BY(mutex);
    std::map<std::string, Writable> writables DAVIT_GUARDED_BY(mutex);
};

/// Runs `native`; when the driver hasn't that method, `naive`.
template <typename Native, typename Naive>
auto nativeOr(Native&& native, Naive&& naive) -> decltype(native()) {
    try {
        return native();
    } catch (const Error& failure) {
        if (failure.code() != Code::unimplemented) throw;
    }
    return naive();
}

}  // namespace davit::image
