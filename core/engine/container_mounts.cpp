#include "engine/container_mounts.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>

#include "archive/copy_tree.hpp"
#include "base/check.hpp"
#include "base/file.hpp"

namespace davit::engine {
namespace {

using runtime::MountPoint;
using runtime::MountType;

bool isAnonymous(const MountPoint& mount) { return mount.type == MountType::volume && mount.name.empty(); }

void requireSource(const MountPoint& mount) {
    struct stat found {};
    if (::stat(mount.source.c_str(), &found) != 0)
        throw error(Code::invalid, "invalid mount config for type \"bind\": bind source path does not exist: {}",
                    mount.source);
}

/// The directory at `path` inside `root`, never outside it (SEC-33); std::nullopt when there is none.
std::optional<UniqueFd> openInRoot(int root, const std::string& path) {
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    const long fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw Error::system("open " + path + " in the container's root", errno);
}

}  // namespace

std::vector<MountPoint> containerMounts(const runtime::ContainerConfig& config, const runtime::HostConfig& host,
                                        const std::filesystem::path& container_dir) {
    std::vector<MountPoint> mounts = runtime::collectMounts(config, host);
    int number = 0;
    for (MountPoint& mount : mounts)
        if (isAnonymous(mount)) mount.source = container_dir / "volumes" / std::to_string(number++);
    return mounts;
}

void checkMounts(const std::vector<MountPoint>& mounts) {
    for (const MountPoint& mount : mounts) {
        if (mount.type == MountType::bind && !mount.create_source) requireSource(mount);
        if (mount.type != MountType::volume || mount.name.empty()) continue;
        const std::string driver = mount.driver.empty() ? "local" : mount.driver;
        throw error(Code::not_found, "error looking up volume plugin {0}: plugin \"{0}\" not found", driver);
    }
}

void prepareBinds(const std::vector<MountPoint>& mounts) {
    for (const MountPoint& mount : mounts) {
        if (mount.type != MountType::bind) continue;
        struct stat found {};
        if (::stat(mount.source.c_str(), &found) == 0) continue;
        if (!mount.create_source) requireSource(mount);
        makeDirectories(mount.source, 0755);
    }
}

bool hasVolumes(const std::vector<MountPoint>& mounts) { return std::any_of(mounts.begin(), mounts.end(), isAnonymous); }

void fillVolumes(const std::vector<MountPoint>& mounts, const std::filesystem::path& root) {
    const UniqueFd root_fd = openFile(root, O_PATH | O_DIRECTORY);
    for (const MountPoint& mount : mounts) {
        if (!isAnonymous(mount)) continue;
        makeDirectories(mount.source, 0755);
        if (!mount.copy_data) continue;
        const std::optional<UniqueFd> content = openInRoot(root_fd.get(), mount.destination);
        if (!content) continue;
        const UniqueFd target = openFile(mount.source, O_RDONLY | O_DIRECTORY);
        archive::copyTree(content->get(), target.get());
    }
}

}  // namespace davit::engine
