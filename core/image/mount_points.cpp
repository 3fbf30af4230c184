#include "image/mount_points.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/file.hpp"

namespace davit::image {
namespace {

constexpr std::string_view kLowers = "lowerdir=";
constexpr std::ptrdiff_t kMaxLowers = 100;
constexpr const char* kDirectories[] = {"dev", "etc", "proc", "sys"};
constexpr const char* kFiles[] = {".dockerenv", "etc/hostname", "etc/hosts", "etc/resolv.conf"};

void makeEntries(const std::filesystem::path& directory) {
    makeDirectories(directory, 0755);
    for (const char* name : kDirectories) makeDirectories(directory / name, 0755);
    for (const char* name : kFiles) {
        const UniqueFd file = openFile(directory / name, O_WRONLY | O_CREAT | O_NOFOLLOW, 0644);
        check(::fchmod(file.get(), 0644), "change the mode of {}", name);  // whatever the umask
    }
}

}  // namespace

MountPoints::MountPoints(std::filesystem::path directory) : directory_(std::move(directory)) { makeEntries(directory_); }

/// Separators are escaped in the options; a directory with some is rare enough to go without.
bool MountPoints::suits(const std::string& lowers) const {
    if (directory_.native().find_first_of(":,\\") != std::string::npos || lowers.find('\\') != std::string::npos) return false;
    if (std::count(lowers.begin(), lowers.end(), ':') >= kMaxLowers) return false;
    const std::string lowest = lowers.substr(lowers.rfind(':') + 1);
    struct stat theirs {};
    struct stat ours {};
    return ::stat(lowest.c_str(), &theirs) == 0 && ::stat(directory_.c_str(), &ours) == 0 && theirs.st_dev == ours.st_dev;
}

void MountPoints::placeBeneath(std::vector<MountSpec>& root) const {
    if (root.size() != 1 || root.front().type != "overlay") return;
    for (std::string& option : root.front().options)
        if (option.starts_with(kLowers) && suits(option.substr(kLowers.size()))) option += ":" + directory_.string();
}

}  // namespace davit::image
