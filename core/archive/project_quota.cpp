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

constexpr int kProjectQuota = 2;           // PRJQUOTA
constexpr std::uint64_t kQuotaBlock = 512;  // whatever the file system's own block is

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

// std::nullopt: the file system knows nothing of that project.
std::optional<fs_disk_quota> quotaOf(int fd, std::uint32_t project) {
    fs_disk_quota quota{};
    if (quotaControl(fd, Q_XGETQUOTA, project, &quota) == 0) return quota;
    if (errno == ENOENT || errno == ESRCH) return std::nullopt;
    throw Error::system(fmt::format("read the quota of project {}", project), errno);
}

bool isFree(int fd, std::uint32_t project) {
    const auto quota = quotaOf(fd, project);
    return !quota || (quota->d_icount == 0 && quota->d_bcount == 0 && quota->d_blk_hardlimit == 0 && quota->d_ino_hardlimit == 0);
}

// 0: none of its own. What it has from its parent is the project of a tree around it, of another engine perhaps.
std::uint32_t ownProject(int fd, std::uint32_t first) {
    const std::uint32_t project = projectOf(fd);
    if (project < first) return 0;
    const UniqueFd parent(check(::openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open a parent directory"));
    return projectOf(parent.get()) == project ? 0 : project;
}

std::optional<fs_disk_quota> quotaOfTree(const fs::path& dir, std::uint32_t first) {
    const UniqueFd fd = openFile(dir, O_RDONLY | O_DIRECTORY);
    const std::uint32_t project = ownProject(fd.get(), first);
    return project == 0 ? std::nullopt : quotaOf(fd.get(), project);
}

std::int64_t bytesOf(std::uint64_t blocks) { return static_cast<std::int64_t>(blocks * kQuotaBlock); }

}  // namespace

bool ProjectQuota::enforcedAt(const fs::path& home) {
    const UniqueFd fd(::open(home.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    fs_quota_statv state{};
    state.qs_version = FS_QSTATV_VERSION1;
    if (!fd || quotaControl(fd.get(), Q_XGETQSTATV, 0, &state) < 0) return false;
    return (state.qs_flags & FS_QUOTA_PDQ_ENFD) != 0;
}

ProjectQuota::ProjectQuota(const fs::path& home, const std::vector<fs::path>& trees, std::uint32_t first)
    : home_(home), first_(first), next_(first) {
    for (const fs::path& tree : trees) {
        const UniqueFd fd(::open(tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (fd) next_ = std::max(next_, projectOf(fd.get()) + 1);
    }
}

std::uint32_t ProjectQuota::assignTo(int fd) {
    std::uint32_t project = ownProject(fd, first_);
    if (project != 0) return project;
    {
        const Lock lock(mutex_);
        while (!isFree(fd, next_)) ++next_;
        project = next_++;
    }
    setProjectOfTree(fd, project);
    return project;
}

void ProjectQuota::assign(const fs::path& dir) { (void)assignTo(openFile(dir, O_RDONLY | O_DIRECTORY).get()); }

void ProjectQuota::limit(const fs::path& dir, const ProjectSize& most) {
    const UniqueFd fd = openFile(dir, O_RDONLY | O_DIRECTORY);
    if (most == ProjectSize{} && ownProject(fd.get(), first_) == 0) return;
    const std::uint32_t project = assignTo(fd.get());
    fs_disk_quota quota{};
    quota.d_version = FS_DQUOT_VERSION;
    quota.d_id = project;
    quota.d_flags = FS_PROJ_QUOTA;
    quota.d_fieldmask = FS_DQ_BHARD | FS_DQ_BSOFT | FS_DQ_IHARD | FS_DQ_ISOFT;
    quota.d_blk_hardlimit = quota.d_blk_softlimit = (static_cast<std::uint64_t>(most.bytes) + kQuotaBlock - 1) / kQuotaBlock;
    quota.d_ino_hardlimit = quota.d_ino_softlimit = static_cast<std::uint64_t>(most.inodes);
    check(quotaControl(fd.get(), Q_XSETQLIM, project, &quota), "limit {} to {} bytes and {} inodes", dir.string(), most.bytes, most.inodes);
}

std::optional<ProjectSize> ProjectQuota::usage(const fs::path& dir) const {
    const auto quota = quotaOfTree(dir, first_);
    if (!quota) return std::nullopt;
    return ProjectSize{.bytes = bytesOf(quota->d_bcount), .inodes = static_cast<std::int64_t>(quota->d_icount)};
}

std::optional<ProjectSize> ProjectQuota::limitOf(const fs::path& dir) const {
    const auto quota = quotaOfTree(dir, first_);
    if (!quota) return std::nullopt;
    return ProjectSize{.bytes = bytesOf(quota->d_blk_hardlimit), .inodes = static_cast<std::int64_t>(quota->d_ino_hardlimit)};
}

}  // namespace davit::archive
