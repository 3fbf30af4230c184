// ImageStore: images, their tags and repository digests, and Docker's rules for naming and removing them.
//
// An image is a config document (a file named by its digest, which is the image's id) plus a row that ties it to its
// top layer. Names are rows too. Memory follows the committed rows, never runs ahead of them. An image whose config is
// damaged or whose layers are gone is left out and reported by damaged(); the others are not touched by it.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "image/layer_store.hpp"
#include "oci/image_config.hpp"
#include "oci/reference.hpp"
#include "state/database.hpp"

namespace davit::image {

/// A snapshot of one image.
struct Image {
    std::string id;                                  ///< "sha256:…"
    std::shared_ptr<const std::string> config_json;  ///< the very bytes that the id names
    std::shared_ptr<const oci::ImageConfig> config;
    std::vector<std::string> repo_tags;     ///< familiar, sorted: "busybox:latest"
    std::vector<std::string> repo_digests;  ///< familiar, sorted: "busybox@sha256:…"
    std::string chain_id;                   ///< top layer; empty: no layers
    std::string parent;                     ///< id of the image it was built on here; empty: none
    std::int64_t size = 0;                  ///< all layers
    std::optional<SystemTime> created;
    std::optional<SystemTime> last_tag_time;
};

struct ImageSummary {
    Image image;
    std::int64_t containers = -1;   ///< how many use it
    std::int64_t shared_size = -1;  ///< bytes in layers that other images use too; -1: not asked for
};

/// A container that uses an image, as the engine tells it.
struct ImageUser {
    std::string container_id;
    bool running = false;
};

/// The containers that use the image of that id.
using ImageUsers = std::function<std::vector<ImageUser>(const std::string& image_id)>;

/// filter name -> values, as in the query parameter `filters`.
using ImageFilters = std::map<std::string, std::vector<std::string>>;

struct ListImages {
    bool all = false;          ///< intermediate images too
    bool shared_size = false;  ///< compute it
    ImageFilters filters;
};

struct RemoveImage {
    std::string reference;
    bool force = false;
    bool no_prune = false;  ///< keep untagged parents
};

/// One line of the reply to a removal; exactly one member is set.
struct RemovedImage {
    std::string untagged;
    std::string deleted;
};

struct HistoryLine {
    std::string id;  ///< image id or "<missing>"
    std::optional<SystemTime> created;
    std::string created_by;
    std::vector<std::string> tags;
    std::int64_t size = 0;
    std::string comment;
};

/// What happened to an image, for the event stream. action: "tag", "untag", "delete", "load", "import", "save".
struct ImageEvent {
    std::string action;
    std::string image_id;
    std::string name;  ///< the reference or id that the event names
    std::map<std::string, std::string> labels;  ///< the image's; filled by emit() while the image is there
};

struct NewImage {
    std::string config_json;
    std::string parent;              ///< image id; empty: none
    std::vector<std::string> names;  ///< with tag or digest: given in the same transaction
    bool layers_synced = false;      ///< LayerStore::sync() was called since its layers were made
};

/// Whether `text` is the beginning of the image's id ("sha256:12ab" or "12ab").
[[nodiscard]] bool isIdPrefix(std::string_view text, std::string_view id);

class ImageStore {
  public:
    /// Reads all images. `directory` holds the config documents. `layers` outlives the store.
    ImageStore(state::Database& database, LayerStore& layers, const std::filesystem::path& directory);
    ImageStore(const ImageStore&) = delete;
    ImageStore& operator=(const ImageStore&) = delete;
    ~ImageStore();

    /// Set once, before requests are served; default: none, no events. The event function must not call back.
    void setUsers(ImageUsers users);
    void setEvents(std::function<void(const ImageEvent&)> events);

    /// By name, name@digest, id, or unique id prefix. Throws Error{not_found} "No such image: x:latest", Error{invalid}
    /// for what can be none of these.
    [[nodiscard]] Image resolve(std::string_view name_or_id) const;
    [[nodiscard]] std::optional<Image> find(std::string_view id) const;
    /// Newest first. Throws Error{invalid} for an unknown filter.
    [[nodiscard]] std::vector<ImageSummary> list(const ListImages& request) const;
    [[nodiscard]] std::vector<HistoryLine> history(std::string_view name_or_id) const;
    [[nodiscard]] std::size_t count() const;
    /// Bytes of all layers that images use, each once.
    [[nodiscard]] std::int64_t layersSize() const;

    /// Stores an image whose layers all stand; synced when this returns. The same document again is fine. Throws
    /// Error{invalid} for a bad document, Error{not_found} for a missing layer.
    Image create(const NewImage& request);
    /// Names the image `name_or_id`; the name is taken from another image if need be. Synced. Throws Error{invalid} for
    /// a bad target, and for one with a digest.
    void tag(std::string_view name_or_id, std::string_view target);
    /// Docker's rules and texts. Error{conflict} when it is in use; then nothing has changed.
    std::vector<RemovedImage> remove(const RemoveImage& request);
    /// Docker's prune: dangling images, or with dangling=false all that no container uses. Filters: dangling, until,
    /// label, label!. Returns what went and the bytes freed.
    struct Pruned {
        std::vector<RemovedImage> removed;
        std::int64_t space_reclaimed = 0;
    };
    Pruned prune(const ImageFilters& filters);

    /// "id: why" of images that were left out at the start.
    [[nodiscard]] std::vector<std::string> damaged() const;
    [[nodiscard]] LayerStore& layers() noexcept;
    /// For load, save and import, which tell of themselves.
    void emit(const ImageEvent& event) const;

    struct Impl;

  private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace davit::image
