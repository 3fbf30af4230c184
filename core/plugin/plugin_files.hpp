// PluginFiles: the .so files of the plugin directories, each checked and probed once per version.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugin/loader.hpp"
#include "plugin/probe.hpp"

namespace davit::plugin {

/// One version of one file.
struct PluginFile {
    std::filesystem::path file;
    FileIdentity identity;
    int generation = 1;
    bool own = false;                   ///< from one of davit's own directories
    std::optional<ProbeResult> plugin;  ///< std::nullopt: refused
    std::string reason;                 ///< why it was refused
};

/// One thread at a time.
class PluginFiles {
  public:
    PluginFiles(std::vector<std::filesystem::path> directories, std::size_t own_directories,
                std::filesystem::path host_binary);

    /// Every *.so, directory by directory, sorted within each. New and changed files are probed, all at once; unchanged ones
    /// are the same objects as before.
    [[nodiscard]] std::vector<std::shared_ptr<const PluginFile>> scan();

  private:
    std::shared_ptr<const PluginFile> examine(const std::filesystem::path& file, bool own,
                                              const std::shared_ptr<const PluginFile>& earlier) const;

    std::vector<std::filesystem::path> directories_;
    std::size_t own_directories_;
    std::filesystem::path host_binary_;
    std::map<std::filesystem::path, std::shared_ptr<const PluginFile>> known_;  ///< also of files that are gone
};

}  // namespace davit::plugin
