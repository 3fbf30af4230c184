#include "overlay_probe.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <fstream>
#include <memory>
#include <optional>
#include <thread>

#include "archive/plain_tree_driver.hpp"
#include "base/check.hpp"
#include "base/file.hpp"
#include "overlay_mount.hpp"

namespace davit::overlay2 {
namespace fs = std::filesystem;
namespace {

bool inUserNamespace() {
    std::ifstream map("/proc/self/uid_map");
    unsigned long inside = 0;
    unsigned long outside = 0;
    unsigned long count = 0;
    return !(map >> inside >> outside >> count) || inside != 0 || outside != 0 || count != 4294967295UL;
}

// Renames and copy-ups by reference would make the upper directory depend on names in the layers below: off, so that it
// holds all of a layer by itself. The kernel refuses options that it doesn't know; those that it knows stand here.
std::vector<std::string> flagsOfKernel() {
    std::vector<std::string> flags;
    const UniqueFd load_module(::fsopen("overlay", FSOPEN_CLOEXEC));
    const auto known = [](const char* name) {
        return ::access((std::string("/sys/module/overlay/parameters/") + name).c_str(), F_OK) == 0;
    };
    if (known("index")) flags.emplace_back("index=off");
    if (known("metacopy")) flags.emplace_back("metacopy=off");
    if (known("redirect_dir")) flags.emplace_back("redirect_dir=nofollow");
    return flags;
}

bool tellsTypes(const fs::path& directory) {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), ::closedir);
    if (!dir) throw Error::system("read " + directory.string(), errno);
    bool all = true;
    while (const dirent* entry = ::readdir(dir.get())) all = all && entry->d_type != DT_UNKNOWN;
    return all;
}

// Uses a mounted overlay as a container would; throws where the kernel or the file system below doesn't play along.
void tryOut(const fs::path& home, const std::string& opaque_name) {
    const fs::path merged = home / "merged";
    writeFileAtomically(merged / "new", "x");
    check(::unlink((merged / "file").c_str()), "remove a lower file");
    struct stat info {};
    check(::lstat((home / "upper/file").c_str(), &info), "find the whiteout");
    if (!S_ISCHR(info.st_mode) || info.st_rdev != 0) throw Error(Code::unimplemented, "whiteouts are no 0:0 devices");
    check(::rmdir((merged / "dir").c_str()), "remove a lower directory");
    check(::mkdir((merged / "dir").c_str(), 0755), "replace a lower directory");
    char value = 0;
    if (::lgetxattr((home / "upper/dir").c_str(), opaque_name.c_str(), &value, 1) != 1 || value != 'y')
        throw error(Code::unimplemented, "no {} on a replaced directory", opaque_name);
}

void mountAndTry(const fs::path& home, Probe& found) {
    check(::unshare(CLONE_NEWNS), "have a mount namespace of one's own");
    check(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make the mounts private");
    Overlay overlay{
        .home = home, .lowers = {"lower2", "lower1"}, .upper = "upper", .work = "work", .flags = found.flags};
    // This thread has its own namespace, a further one that mountOverlay() starts shares it.
    mountOverlay(overlay, "merged");
    tryOut(home, found.user_xattrs ? "user.overlay.opaque" : "trusted.overlay.opaque");
    unmount(home / "merged");
    overlay.flags.emplace_back("volatile");
    try {
        mountOverlay(overlay, "merged");
        found.volatile_mounts = true;
    } catch (const Error&) {  // Linux before 5.10
    }
}

std::optional<Error> failureOf(const fs::path& home, Probe& found) {
    std::optional<Error> failure;
    std::thread([&] {
        try {
            mountAndTry(home, found);
        } catch (const Error& e) {  // a thread's end: the failure is the result
            failure = e;
        } catch (const std::exception& e) {
            failure = Error(Code::system, e.what());
        }
    }).join();
    if (failure && failure->sysErrno() == ENOSPC) throw Error(*failure);
    return failure;
}

bool holdsLayers(const fs::path& home) {
    std::error_code none;
    return fs::directory_iterator(home / "layers", none) != fs::directory_iterator();
}

}  // namespace

Probe probe(const fs::path& directory) {
    Probe found;
    const std::string backing = archive::fileSystemName(directory);
    if (backing == "overlayfs") {
        found.unsuitable_why = "overlay2: " + directory.string() + " is on overlayfs itself";
        return found;
    }
    found.user_xattrs = inUserNamespace();
    found.flags = flagsOfKernel();
    if (found.user_xattrs) found.flags.emplace_back("userxattr");
    try {
        const TempDir home(directory, ".overlay-probe-");
        for (const char* name : {"lower1", "lower1/dir", "lower2", "upper", "work", "merged"})
            makeDirectories(home.path() / name, 0755);
        writeFileAtomically(home.path() / "lower1/file", "x");
        found.directory_types = tellsTypes(home.path() / "lower1");
        if (const auto failure = failureOf(home.path(), found))
            found.unsuitable_why =
                fmt::format("overlay2: no overlay on {} at {}: {}", backing, directory.string(), failure->text());
        else if (!found.directory_types)
            found.unsuitable_why = fmt::format("overlay2: the {} at {} has no d_type", backing, directory.string());
    } catch (const Error& e) {
        if (e.sysErrno() == ENOSPC && holdsLayers(directory)) {
            found.directory_types = true;
            return found;
        }
        found.unsuitable_why = fmt::format("overlay2: can't try out {}: {}", directory.string(), e.text());
    }
    return found;
}

}  // namespace davit::overlay2
