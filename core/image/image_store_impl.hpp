// The inside of ImageStore, shared by its sources.
#pragma once

#include <functional>
#include <set>

#include "base/thread_annotations.hpp"
#include "image/image_store.hpp"

namespace davit::image {

/// An image as kept in memory; its names are in Impl::names.
struct ImageRecord {
    std::shared_ptr<const std::string> config_json;
    std::shared_ptr<const oci::ImageConfig> config;
    std::string chain_id;
    std::string parent;
    std::optional<SystemTime> tagged;
};

struct ImageStore::Impl {
    Impl(state::Database& db, LayerStore& layer_store, const std::filesystem::path& where);

    // image_open.cpp
    void rebuild();
    void readRows();
    std::optional<ImageRecord> readImage(const std::string& id, const std::string& chain_id, std::string& why);
    void removeOrphans();
    void writeNamesMirror() noexcept DAVIT_EXCLUDES(mutex);
    [[nodiscard]] std::filesystem::path configPath(std::string_view id) const;

    // image_store.cpp: all with the mutex held
    [[nodiscard]] Image snapshot(const std::string& id, const ImageRecord& record) const DAVIT_REQUIRES(mutex);
    [[nodiscard]] std::optional<std::string> findId(std::string_view name_or_id) const DAVIT_REQUIRES(mutex);
    [[nodiscard]] std::string resolveId(std::string_view name_or_id) const DAVIT_REQUIRES(mutex);
    [[nodiscard]] std::vector<oci::Reference> namesOf(const std::string& id) const DAVIT_REQUIRES(mutex);
    [[nodiscard]] std::vector<std::string> childrenOf(const std::string& id) const DAVIT_REQUIRES(mutex);
    [[nodiscard]] std::vector<ImageUser> usersOf(const std::string& id) const {
        return users ? users(id) : std::vector<ImageUser>{};
    }

    state::Database& database;
    LayerStore& layers;
    std::filesystem::path directory;
    ImageUsers users;
    std::function<void(const ImageEvent&)> events;

    Mutex changing;  ///< held by whoever changes images or names, around check, commit and change of memory
    mutable Mutex mutex;
    std::map<std::string, ImageRecord, std::less<>> images DAVIT_GUARDED_BY(mutex);
    std::map<std::string, std::string, std::less<>> names DAVIT_GUARDED_BY(mutex);    ///< normalised name -> image id
    std::map<std::string, std::string, std::less<>> damaged DAVIT_GUARDED_BY(mutex);  ///< image id -> why
};

/// The key under which a name is kept: with tag, or with digest and without tag.
[[nodiscard]] std::string nameKey(const oci::Reference& reference);

}  // namespace davit::image
