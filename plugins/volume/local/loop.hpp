// Loop devices of image files. They go by themselves when nobody has them mounted or open (autoclear), so nothing leaks however
// this process ends. Any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/unique_fd.hpp"

namespace davit::local {

struct LoopDevice {
    UniqueFd fd;  ///< keeps it
    std::string path;
};

/// The device that has this image already, wherever it is still mounted: a file system must not be mounted from two devices.
[[nodiscard]] std::optional<LoopDevice> findLoop(const std::filesystem::path& image);
/// That one, or a new one.
[[nodiscard]] LoopDevice attachLoop(const std::filesystem::path& image);
/// After the image has grown.
void refreshSize(const LoopDevice& device);

}  // namespace davit::local
