// LinkTable: finds the other names of files with several links while a tree is walked. A file leaves the table when all
// its links have been seen. One thread.
#pragma once

#include <sys/stat.h>

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace davit::archive {

class LinkTable {
  public:
    /// The path under which this file came first; std::nullopt when this is the first, or the file has one link only.
    std::optional<std::string> first(const struct stat& info, const std::string& path) {
        if (info.st_nlink < 2 || S_ISDIR(info.st_mode)) return std::nullopt;
        const auto [at, fresh] = files_.try_emplace({info.st_dev, info.st_ino}, File{path, info.st_nlink});
        --at->second.left;
        if (fresh) return std::nullopt;
        std::string known = at->second.path;
        if (at->second.left == 0) files_.erase(at);
        return known;
    }

  private:
    struct File {
        std::string path;
        nlink_t left;
    };
    std::map<std::pair<dev_t, ino_t>, File> files_;
};

}  // namespace davit::archive
