// Images as Docker's JSON. What depends on the client's API version is an option.
#pragma once

#include <vector>

#include "base/json.hpp"
#include "engine/image_service.hpp"

namespace davit::api {

struct ImageViewOptions {
    bool none_names = false;        ///< below 1.43: an image without a name has "<none>:<none>"
    bool virtual_size = false;      ///< below 1.44
    bool container_config = false;  ///< below 1.45
};

/// One element of GET /images/json.
void writeImageSummary(json::Writer& out, const image::ImageSummary& summary, const ImageViewOptions& options);
/// GET /images/{name}/json.
void writeImageDetails(json::Writer& out, const engine::ImageDetails& details, const ImageViewOptions& options);
/// GET /images/{name}/history.
void writeHistory(json::Writer& out, const std::vector<image::HistoryLine>& lines);
/// The reply to DELETE /images/{name}.
void writeRemoved(json::Writer& out, const std::vector<image::RemovedImage>& removed);
/// One line of a progress stream, with its line end.
[[nodiscard]] std::string progressLine(const image::TransferMessage& message);

}  // namespace davit::api
