#include "overlay_mount.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/check.hpp"
#include "base/unique_fd.hpp"

namespace davit::overlay2 {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxOptions = 4095;  // a page with its end, less one

std::string join(const std::vector<std::string>& parts, char separator) {
    std::string text;
    for (const std::string& part : parts) {
        if (!text.empty()) text += separator;
        text += part;
    }
    return text;
}

std::vector<std::string> optionsOf(const Overlay& overlay, const std::string& prefix) {
    std::vector<std::string> lowers;
    for (const std::string& lower : overlay.lowers) lowers.push_back(prefix + lower);
    std::vector<std::string> options{"lowerdir=" + join(lowers, ':')};
    if (!overlay.upper.empty()) {
        options.push_back("upperdir=" + prefix + overlay.upper);
        options.push_back("workdir=" + prefix + overlay.work);
    }
    options.insert(options.end(), overlay.flags.begin(), overlay.flags.end());
    return options;
}

void configure(int context, const std::string& key, const std::string& value) {
    const bool flag = value.empty();
    const auto command = flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
    check(::fsconfig(context, command, key.c_str(), flag ? nullptr : value.c_str(), 0), "mount overlay: {} {}", key,
          value);
}

void mountByContext(const Overlay& overlay, const std::string& target) {
    const UniqueFd context(check(::fsopen("overlay", FSOPEN_CLOEXEC), "mount overlay: open a context"));
    for (const std::string& lower : overlay.lowers) {
        if (::fsconfig(context.get(), FSCONFIG_SET_STRING, "lowerdir+", lower.c_str(), 0) == 0) continue;
        if (errno == EINVAL)  // at the first layer or, before 6.5, when another page is full
            throw error(Code::unimplemented, "mount overlay: {} layers are more than this kernel takes (Linux 6.8 takes 500)",
                        overlay.lowers.size());
        throw Error::system("mount overlay: lowerdir+ " + lower, errno);
    }
    if (!overlay.upper.empty()) {
        configure(context.get(), "upperdir", overlay.upper);
        configure(context.get(), "workdir", overlay.work);
    }
    for (const std::string& flag : overlay.flags) {
        const std::size_t equals = flag.find('=');
        configure(context.get(), flag.substr(0, equals), equals == std::string::npos ? "" : flag.substr(equals + 1));
    }
    check(::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), "mount overlay on {}", target);
    const unsigned attributes = overlay.upper.empty() ? MOUNT_ATTR_RDONLY : 0;
    const UniqueFd mount(check(::fsmount(context.get(), FSMOUNT_CLOEXEC, attributes), "mount overlay on {}", target));
    check(::move_mount(mount.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH), "mount overlay on {}",
          target);
}

void mountHere(const Overlay& overlay, const std::string& target) {
    const std::string options = join(optionsOf(overlay, ""), ',');
    if (options.size() > kMaxOptions) return mountByContext(overlay, target);
    const unsigned long flags = overlay.upper.empty() ? MS_RDONLY : 0;
    check(::mount("overlay", target.c_str(), "overlay", flags, options.c_str()), "mount overlay on {}", target);
}

// mountinfo writes blanks and the like as \ooo.
std::string unescape(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            plain += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

}  // namespace

std::vector<std::string> absoluteOptions(const Overlay& overlay) {
    return optionsOf(overlay, overlay.home.string() + "/");
}

void mountOverlay(const Overlay& overlay, const std::string& target) {
    // The working directory is the thread's own for the time of the mount: a thread that lives as long.
    std::exception_ptr failure;
    std::thread([&] {
        try {
            check(::unshare(CLONE_FS), "mount overlay: have a working directory of one's own");
            check(::chdir(overlay.home.c_str()), "mount overlay: change to {}", overlay.home.string());
            mountHere(overlay, target);
        } catch (...) {  // a thread's end: handed to the one that waits
            failure = std::current_exception();
        }
    }).join();
    if (failure) std::rethrow_exception(failure);
}

void unmount(const fs::path& target) {
    if (::umount2(target.c_str(), UMOUNT_NOFOLLOW) == 0 || errno == EINVAL || errno == ENOENT) return;
    if (errno != EBUSY) throw Error::system("unmount " + target.string(), errno);
    // Somebody still has a file open in it. Detached it is out of every path, and gone when they let go.
    if (::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL)
        throw Error::system("unmount " + target.string(), errno);
}

std::vector<std::string> mountsBelow(const fs::path& directory) {
    std::ifstream table("/proc/self/mountinfo");
    const std::string prefix = directory.string() + "/";
    std::vector<std::string> found;
    for (std::string line; std::getline(table, line);) {
        std::istringstream fields(line);
        std::string field;
        for (int i = 0; i < 5; ++i) fields >> field;
        std::string point = unescape(field);
        if (point == directory.string() || point.starts_with(prefix)) found.push_back(std::move(point));
    }
    std::reverse(found.begin(), found.end());  // the table lists a mount after the one that it stands on
    return found;
}

}  // namespace davit::overlay2
