#include "plugin/plugin_files.hpp"

#include <algorithm>
#include <future>

namespace davit::plugin {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> objectsIn(const fs::path& directory) {
    std::vector<fs::path> result;
    std::error_code failure;
    for (fs::directory_iterator entry(directory, failure), end; !failure && entry != end; entry.increment(failure))
        if (entry->path().extension() == ".so") result.push_back(entry->path());
    std::sort(result.begin(), result.end());
    return result;
}

}  // namespace

PluginFiles::PluginFiles(std::vector<fs::path> directories, std::size_t own_directories, fs::path host_binary)
    : directories_(std::move(directories)), own_directories_(own_directories), host_binary_(std::move(host_binary)) {}

std::vector<std::shared_ptr<const PluginFile>> PluginFiles::scan() {
    std::vector<std::future<std::shared_ptr<const PluginFile>>> examined;
    for (std::size_t i = 0; i < directories_.size(); ++i) {
        for (const fs::path& file : objectsIn(directories_[i])) {
            const auto known = known_.find(file);
            auto earlier = known != known_.end() ? known->second : nullptr;
            examined.push_back(std::async(std::launch::async, [this, file, own = i < own_directories_, earlier] {
                return examine(file, own, earlier);
            }));
        }
    }
    std::vector<std::shared_ptr<const PluginFile>> result;
    for (auto& one : examined) result.push_back(one.get());
    for (const auto& one : result) known_[one->file] = one;
    return result;
}

std::shared_ptr<const PluginFile> PluginFiles::examine(const fs::path& file, bool own,
                                                       const std::shared_ptr<const PluginFile>& earlier) const {
    auto result = std::make_shared<PluginFile>();
    result->file = file;
    result->own = own;
    try {
        result->identity = checkFile(file, directories_);
        if (earlier && earlier->identity == result->identity) return earlier;
        result->plugin = probe(host_binary_, file);
    } catch (const Error& e) {
        result->reason = e.text();
    }
    const bool counts = earlier && earlier->plugin.has_value();
    result->generation = !earlier ? 1 : earlier->generation + (counts ? 1 : 0);
    return result;
}

}  // namespace davit::plugin
