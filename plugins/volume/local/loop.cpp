#include "loop.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cstring>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/tree_walker.hpp"

namespace davit::local {
namespace fs = std::filesystem;
namespace {

constexpr int kMostTries = 64;  // each time somebody else took the free device first

bool holds(int device, const struct stat& image) {
    loop_info64 info{};
    return ::ioctl(device, LOOP_GET_STATUS64, &info) == 0 && info.lo_inode == image.st_ino && info.lo_device == image.st_dev;
}

// False: somebody else was faster.
bool configure(int device, int image, const fs::path& path) {
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(image);
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    const std::string shown = path.string();
    std::memcpy(config.info.lo_file_name, shown.data(), std::min(shown.size(), sizeof config.info.lo_file_name - 1));
    if (::ioctl(device, LOOP_CONFIGURE, &config) == 0) return true;
    if (errno == EBUSY) return false;
    throw Error::system("set up a loop device for " + shown, errno);
}

}  // namespace

std::optional<LoopDevice> findLoop(const fs::path& image) {
    struct stat wanted {};
    check(::stat(image.c_str(), &wanted), "stat {}", image.string());
    for (const std::string& name : directoryNames(openFile("/sys/block", O_RDONLY | O_DIRECTORY).get())) {
        // Only those that are set up have this directory.
        if (!name.starts_with("loop") || ::access(("/sys/block/" + name + "/loop").c_str(), F_OK) < 0) continue;
        LoopDevice device{.fd = UniqueFd(::open(("/dev/" + name).c_str(), O_RDWR | O_CLOEXEC)), .path = "/dev/" + name};
        if (device.fd && holds(device.fd.get(), wanted)) return device;
    }
    return std::nullopt;
}

LoopDevice attachLoop(const fs::path& image) {
    if (auto found = findLoop(image)) return std::move(*found);
    const UniqueFd file = openFile(image, O_RDWR | O_NOFOLLOW);
    const UniqueFd control = openFile("/dev/loop-control", O_RDWR);
    for (int tries = 0; tries < kMostTries; ++tries) {
        const int number = check(::ioctl(control.get(), LOOP_CTL_GET_FREE), "find a free loop device");
        LoopDevice device{.fd = {}, .path = fmt::format("/dev/loop{}", number)};
        device.fd = openFile(device.path, O_RDWR);
        if (configure(device.fd.get(), file.get(), image)) return device;
    }
    throw error(Code::system, "set up a loop device for {}: others take each free one first", image.string());
}

void refreshSize(const LoopDevice& device) { check(::ioctl(device.fd.get(), LOOP_SET_CAPACITY), "let {} grow", device.path); }

}  // namespace davit::local
