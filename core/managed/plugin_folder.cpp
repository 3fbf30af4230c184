#include "managed/plugin_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/unpack.hpp"
#include "base/check.hpp"
#include "base/file.hpp"

namespace davit::managed {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxConfig = std::size_t{1} << 20U;
constexpr const char* kConfig = "config.json";
constexpr const char* kRoot = "rootfs";

// What stands at these names is the daemon's to make.
void dropOthers(const fs::path& directory) {
    std::vector<fs::path> others;
    for (const fs::directory_entry& member : fs::directory_iterator(directory))
        if (member.path().filename() != kConfig && member.path().filename() != kRoot) others.push_back(member.path());
    for (const fs::path& other : others) removeTree(other);
}

}  // namespace

PluginConfig unpackPlugin(const fs::path& directory, ByteSource& tar) {
    const UniqueFd opened = openFile(directory, O_RDONLY | O_DIRECTORY);
    (void)archive::unpackLayer(tar, opened.get(), {.whiteouts = archive::Whiteouts::plain});
    check(::fchown(opened.get(), 0, 0), "chown {}", directory.string());  // whatever the tar says of "."
    check(::fchmod(opened.get(), 0700), "chmod {}", directory.string());
    dropOthers(directory);
    const fs::path config = directory / kConfig;
    if (!fs::is_regular_file(fs::symlink_status(config))) throw Error(Code::invalid, "config.json not found in the plugin context");
    if (!fs::is_directory(fs::symlink_status(directory / kRoot))) throw Error(Code::invalid, "rootfs not found in the plugin context");
    const std::string text = readFile(config, kMaxConfig).value();
    PluginConfig parsed = parseConfig(text);
    writeFileAtomically(config, text);  // a file of its own: the tar's may be a hard link to one below rootfs/
    makeDirectories(directory / "propagated-mount", 0755);
    check(::syncfs(opened.get()), "sync {}", directory.string());
    return parsed;
}

PluginConfig readConfig(const fs::path& directory) {
    const std::optional<std::string> text = readFile(directory / kConfig, kMaxConfig);
    if (!text) throw Error(Code::system, "its config.json is missing");
    return parseConfig(*text);
}

}  // namespace davit::managed
