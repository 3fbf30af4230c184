// MountPoints: a lowest layer for containers' roots that are overlays, with an entry for whatever each container has something
// mounted on.
//
// An image seldom has an /etc/resolv.conf. Without this layer each start would make it in the container's own layer, with a copy
// of the directory above: inodes that a start waits for, and changes that the container hasn't made. The lowest layer shows only
// where the image has nothing of that name. It holds /.dockerenv, too, by which programs know that they are in a container.
//
// Threads: any.
#pragma once

#include <filesystem>
#include <vector>

#include "driver/storage_driver.hpp"

namespace davit::image {

class MountPoints {
  public:
    /// Makes the layer in `directory` where it is missing.
    explicit MountPoints(std::filesystem::path directory);

    /// Puts the layer beneath the lowest one of `root`. Left as they are: a root that is no overlay, one on another file system
    /// (its files would have several device numbers) and one of very many layers (the names have to fit into a page).
    void placeBeneath(std::vector<MountSpec>& root) const;

  private:
    [[nodiscard]] bool suits(const std::string& lowers) const;

    std::filesystem::path directory_;
};

}  // namespace davit::image
