// What an image archive says it holds: docker save's manifest.json, or the index of an OCI layout.
#pragma once

#include <string>
#include <vector>

#include "image/staging.hpp"

namespace davit::image {

struct ArchivedImage {
    std::string config;               ///< member names
    std::vector<std::string> layers;  ///< lowest first
    std::vector<std::string> names;   ///< as they stand in the archive
    std::string parent;               ///< image id; only in archives of locally built images
};

/// Throws Error{invalid} for an archive with neither, for one beyond the limits of oci/image_config.hpp, and for an OCI
/// blob that doesn't have its digest.
[[nodiscard]] std::vector<ArchivedImage> readArchiveManifest(const Staging& archive);

/// The architecture of this host as Docker calls it ("amd64").
[[nodiscard]] std::string hostArchitecture();

}  // namespace davit::image
