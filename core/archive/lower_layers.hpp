// LowerLayers: what an overlay layer needs to know of those below it while it is unpacked. One thread.
#pragma once

#include <string>
#include <vector>

#include "archive/unpack.hpp"

namespace davit::archive {

class LowerLayers {
  public:
    explicit LowerLayers(const UnpackOptions& options) : roots_(options.lowers) {}

    /// Whether the layers below show something of that path that a hard link can point to.
    [[nodiscard]] bool has(const std::string& path) const;
    /// Copies it with its metadata into the directory, under the same name.
    void copyUp(const std::string& path, int to_dir_fd) const;
    /// Gives the directory the owner, mode, xattrs and times of the one below. False when there is none below.
    bool dressLike(int fd, const std::string& path) const;
    /// The names in all the roots, each once, whiteouts left out.
    [[nodiscard]] std::vector<std::string> rootNames() const;

  private:
    [[nodiscard]] int holderOf(const std::string& path) const;
    const std::vector<int>& roots_;
};

}  // namespace davit::archive
