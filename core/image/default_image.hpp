// The image that comes with davit: davit/hello:latest, in docker-save form, made at build time from Debian's static
// busybox and linked into the daemon. Loaded when the store holds no image.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "image/image_store.hpp"

namespace davit::image {

inline constexpr std::string_view kDefaultImageName = "davit/hello:latest";

/// The archive as linked in.
[[nodiscard]] std::span<const std::byte> defaultImage() noexcept;

/// Loads it if `images` is empty; false when there was nothing to do.
bool loadDefaultImage(ImageStore& images);

}  // namespace davit::image
