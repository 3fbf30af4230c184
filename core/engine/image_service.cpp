#include "engine/image_service.hpp"

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/log.hpp"
#include "engine/announce.hpp"
#include "engine/core.hpp"

namespace davit::engine {

ImageService::ImageService(EngineCore& core) : core_(core) {}

std::vector<image::ImageSummary> ImageService::list(const image::ListImages& request) const {
    return core_.parts.images.list(request);
}

std::int64_t ImageService::layersSize() const { return core_.parts.images.layersSize(); }

ImageDetails ImageService::inspect(const std::string& name) const {
    ImageDetails details{core_.parts.images.resolve(name), core_.parts.storage_driver, {}};
    try {
        if (!details.image.chain_id.empty())
            details.storage_data = core_.parts.layers.layerMetadata(details.image.chain_id);
    } catch (const Error& failure) {  // the driver's trouble with one layer doesn't hide the image
        log::warning("image {}: storage driver's data: {}", details.image.id, failure.text());
    }
    return details;
}

std::vector<image::HistoryLine> ImageService::history(const std::string& name) const {
    return core_.parts.images.history(name);
}

void ImageService::tag(const std::string& name, const std::string& repo, const std::string& tag) {
    core_.parts.images.tag(name, tag.empty() ? repo : repo + ":" + tag);
}

std::vector<image::RemovedImage> ImageService::remove(const image::RemoveImage& request) {
    return core_.parts.images.remove(request);
}

image::ImageStore::Pruned ImageService::prune(const image::ImageFilters& filters) {
    if (pruning_.exchange(true)) throw Error(Code::conflict, "a prune operation is already running");
    const Defer done([this] { pruning_ = false; });
    image::ImageStore::Pruned pruned = core_.parts.images.prune(filters);
    announcePrune(core_.event_log, EventType::image, static_cast<std::uint64_t>(pruned.space_reclaimed));
    return pruned;
}

std::vector<image::LoadedImage> ImageService::load(ByteSource& archive, const image::LoadOptions& options,
                                                   const image::TransferProgress& progress) {
    return image::load(core_.parts.images, archive, options, progress);
}

void ImageService::save(const std::vector<std::string>& names, ByteSink& out) const {
    image::save(core_.parts.images, names, out);
}

std::string ImageService::import(const image::ImportRequest& request, const image::TransferProgress& progress) {
    return image::importImage(core_.parts.images, request, progress);
}

}  // namespace davit::engine
