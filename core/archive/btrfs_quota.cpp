#include "archive/btrfs_quota.hpp"

#include <endian.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <sys/ioctl.h>

#include <cstring>

#include "base/check.hpp"

namespace davit::archive::btrfs {
namespace {

constexpr std::uint64_t kQuotaTree = BTRFS_QUOTA_TREE_OBJECTID;
constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

void setLimit(int fd, std::uint64_t subvolume, btrfs_ioctl_qgroup_limit_args& limit) {
    limit.qgroupid = subvolume;
    check(::ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &limit), "limit btrfs subvolume {}", subvolume);
}

}  // namespace

void enableQuotas(int fd) {
    btrfs_ioctl_quota_ctl_args control{};
    control.cmd = BTRFS_QUOTA_CTL_ENABLE;
    check(::ioctl(fd, BTRFS_IOC_QUOTA_CTL, &control), "enable btrfs quotas");
    (void)::ioctl(fd, BTRFS_IOC_QUOTA_RESCAN_WAIT);  // fails where no scan is under way
}

void limitExclusive(int subvolume_fd, std::uint64_t subvolume, std::uint64_t bytes) {
    btrfs_ioctl_qgroup_limit_args limit{};
    limit.lim.flags = BTRFS_QGROUP_LIMIT_MAX_EXCL;
    limit.lim.max_excl = bytes == 0 ? kNoLimit : bytes;
    setLimit(subvolume_fd, subvolume, limit);
}

void limitReferenced(int subvolume_fd, std::uint64_t subvolume, std::uint64_t bytes) {
    btrfs_ioctl_qgroup_limit_args limit{};
    limit.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER;
    limit.lim.max_rfer = bytes == 0 ? kNoLimit : bytes;
    setLimit(subvolume_fd, subvolume, limit);
}

std::optional<GroupUsage> usageOf(int fd, std::uint64_t subvolume) {
    btrfs_ioctl_search_args search{};
    search.key.tree_id = kQuotaTree;
    search.key.min_type = search.key.max_type = BTRFS_QGROUP_INFO_KEY;
    search.key.min_offset = search.key.max_offset = subvolume;
    search.key.max_transid = ~std::uint64_t{0};
    search.key.nr_items = 1;
    if (::ioctl(fd, BTRFS_IOC_TREE_SEARCH, &search) < 0 || search.key.nr_items == 0) return std::nullopt;
    btrfs_ioctl_search_header header;
    btrfs_qgroup_info_item item;
    std::memcpy(&header, search.buf, sizeof header);
    if (header.type != BTRFS_QGROUP_INFO_KEY || header.offset != subvolume || header.len < sizeof item)
        return std::nullopt;
    std::memcpy(&item, search.buf + sizeof header, sizeof item);
    return GroupUsage{.referenced = le64toh(item.rfer), .exclusive = le64toh(item.excl)};
}

void dropGroup(int fd, std::uint64_t subvolume) noexcept {
    btrfs_ioctl_qgroup_create_args group{};
    group.create = 0;
    group.qgroupid = subvolume;
    (void)::ioctl(fd, BTRFS_IOC_QGROUP_CREATE, &group);
}

}  // namespace davit::archive::btrfs
