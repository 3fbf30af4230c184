#include "archive/project_quota.hpp"

#include <fcntl.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/tree_walker.hpp"

namespace davit::archive {
namespace fs = std::filesystem;
namespace {

constexpr int kProjectQuota = 2;                      // PRJQUOTA
constexpr std::uint32_t kFirstProject = 0x4000'0000;  // far from what administrators number by hand

long quotaControl(int fd, int command, std::uint32_t project, void* argument) {
    return ::syscall(SYS_quotactl_fd, fd, QCMD(command, kProjectQuota), project, argument);
}

std::uint32_t projectOf(int fd) {
    fsxattr attributes{};
    return ::ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0 ? 0 : attributes.fsx_projid;
}

void setProject(int fd, std::uint32_t project) {
    fsxattr attributes{};
    check(::ioctl(fd, FS_IOC_FSGETXATTR, &attributes), "read a project id");
    attributes.fsx_projid = project;
    struct stat info {};
    check(::fstat(fd, &info), "stat");
    if (S_ISDIR(info.st_mode)) attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    check(::ioctl(fd, FS_IOC_FSSETXATTR, &attributes), "set a project id");
}

// Links and devices can't be opened and occupy next to nothing: they keep the project that they have.
void setProjectOfTree(int root_fd, std::uint32_t project) {
    setProject(root_fd, project);
    TreeWalker walker(reopenDirectory(root_fd));
    while (const auto event = walker.next()) {
        if (*event == TreeWalker::Event::leave || !(S_ISREG(walker.info().st_mode) || S_ISDIR(walker.info().st_mode)))
            continue;
        const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
        const UniqueFd fd(::openat(walker.dirFd(), walker.name().c_str(), flags));
        if (fd) setProject(fd.get(), project);
    }
}

}  // namespace

bool ProjectQuota::enforcedAt(const fs::path& home) {
    const UniqueFd fd(::open(home.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    fs_quota_statv state{};
    state.qs_version = FS_QSTATV_VERSION1;
    if (!fd || quotaControl(fd.get(), Q_XGETQSTATV, 0, &state) < 0) return false;
    return (state.qs_flags & FS_QUOTA_PDQ_ENFD) != 0;
}

ProjectQuota::ProjectQuota(const fs::path& home, const std::vector<fs::path>& layers)
    : home_(home), next_(kFirstProject) {
    for (const fs::path& layer : layers) {
        const UniqueFd fd(::open(layer.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (fd) next_ = std::max(next_, projectOf(fd.get()) + 1);
    }
}

std::uint32_t ProjectQuota::ownProject(int fd) {
    std::uint32_t project = projectOf(fd);
    if (project >= kFirstProject) return project;
    {
        const Lock lock(mutex_);
        project = next_++;
    }
    setProjectOfTree(fd, project);
    return project;
}

void ProjectQuota::bound(const fs::path& dir, const Bounds& bounds) {
    const UniqueFd fd = openFile(dir, O_RDONLY | O_DIRECTORY);
    if (projectOf(fd.get()) < kFirstProject && bounds.bytes == 0 && bounds.inodes == 0) return;
    const std::uint32_t project = ownProject(fd.get());
    fs_disk_quota quota{};
    quota.d_version = FS_DQUOT_VERSION;
    quota.d_id = project;
    quota.d_flags = FS_PROJ_QUOTA;
    quota.d_fieldmask = FS_DQ_BHARD | FS_DQ_BSOFT | FS_DQ_IHARD | FS_DQ_ISOFT;
    quota.d_blk_hardlimit = quota.d_blk_softlimit = static_cast<std::uint64_t>(bounds.bytes + 511) / 512;
    quota.d_ino_hardlimit = quota.d_ino_softlimit = static_cast<std::uint64_t>(bounds.inodes);
    check(quotaControl(fd.get(), Q_XSETQLIM, project, &quota), "limit {} to {} bytes", dir.string(), bounds.bytes);
}

void ProjectQuota::count(const fs::path& dir) { (void)ownProject(openFile(dir, O_RDONLY | O_DIRECTORY).get()); }

std::optional<ProjectQuota::Usage> ProjectQuota::usage(const fs::path& dir) {
    const UniqueFd fd = openFile(dir, O_RDONLY | O_DIRECTORY);
    const std::uint32_t project = projectOf(fd.get());
    if (project < kFirstProject) return std::nullopt;
    fs_disk_quota quota{};
    if (quotaControl(fd.get(), Q_XGETQUOTA, project, &quota) < 0) return std::nullopt;
    return Usage{.bytes = static_cast<std::int64_t>(quota.d_bcount) * 512, .inodes = static_cast<std::int64_t>(quota.d_icount)};
}

}  // namespace davit::archive
