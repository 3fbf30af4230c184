// ImageService: the use-cases of images, above image::ImageStore. Values and texts are those of the store; this adds what
// only the engine knows: which containers use an image, the storage driver's view of it.
//
// Threads: any. Errors: those of image_store.hpp and transfer.hpp.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/byte_stream.hpp"
#include "driver/driver.hpp"
#include "image/image_store.hpp"
#include "image/transfer.hpp"

namespace davit::engine {

class EngineCore;

/// GET /images/{name}/json: the image and what the storage driver says of its top layer.
struct ImageDetails {
    image::Image image;
    std::string storage_driver;
    Options storage_data;
};

class ImageService {
  public:
    explicit ImageService(EngineCore& core);

    [[nodiscard]] std::vector<image::ImageSummary> list(const image::ListImages& request) const;
    /// Bytes of all layers, each counted once.
    [[nodiscard]] std::int64_t layersSize() const;
    [[nodiscard]] ImageDetails inspect(const std::string& name) const;
    [[nodiscard]] std::vector<image::HistoryLine> history(const std::string& name) const;
    /// `repo` and `tag` as the query of POST /images/{name}/tag has them; an empty tag is "latest".
    void tag(const std::string& name, const std::string& repo, const std::string& tag);
    std::vector<image::RemovedImage> remove(const image::RemoveImage& request);
    /// Error{conflict} while another prune is under way.
    image::ImageStore::Pruned prune(const image::ImageFilters& filters);
    std::vector<image::LoadedImage> load(ByteSource& archive, const image::LoadOptions& options,
                                         const image::TransferProgress& progress);
    void save(const std::vector<std::string>& names, ByteSink& out) const;
    /// Returns the new image's id.
    std::string import(const image::ImportRequest& request, const image::TransferProgress& progress);

  private:
    EngineCore& core_;
    std::atomic<bool> pruning_{false};
};

}  // namespace davit::engine
