#include "runtime/launcher/root.hpp"

#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "runtime/launcher/failure.hpp"
#include "runtime/launcher/fs.hpp"
#include "runtime/launcher/mounts.hpp"

extern "C" int mount(const char*, const char*, const char*, unsigned long, const void*);
extern "C" int umount2(const char*, int);

namespace davit::launcher {
namespace {

constexpr int kDetach = 2;  // MNT_DETACH of <sys/mount.h>
constexpr unsigned kFirstPtyMajor = 136;
constexpr unsigned kLastPtyMajor = 143;

/// In a user namespace nodes can't be made: the host's one of that path is bound, if it is the same device.
bool bindHostNode(const char* path, const plan::Node& node, int root) {
    const Fd host(::open(path, O_PATH | O_CLOEXEC));
    struct stat facts;
    if (!host || ::fstat(host.get(), &facts) != 0) return failWithErrno("open the device ", path);
    if (facts.st_rdev != makedev(node.major, node.minor)) return fail("the device ", path, " is another one on the host");
    const Fd tree(cloneMount(host.get(), false));
    const Fd target(makeFile(root, path));
    if (!tree || !target) return failWithErrno("bind the device ", path);
    return moveMount(tree.get(), target.get(), path);
}

bool makeNode(const char* path, const plan::Node& node, int root) {
    Parent parent = openParent(root, path);
    if (!parent.directory && errno == ENOENT) {
        char directory[4096];
        TextBuffer(directory, sizeof directory).add(path);
        *strrchr(directory, '/') = '\0';
        parent.directory.reset(makeDirectory(root, directory));
        parent.name = strrchr(path, '/') + 1;
    }
    if (!parent.directory) return failWithErrno("open the directory of the device ", path);
    const dev_t number = makedev(node.major, node.minor);
    if (::mknodat(parent.directory.get(), parent.name, node.mode, number) != 0) {
        if (errno == EPERM) return bindHostNode(path, node, root);
        if (errno != EEXIST) return failWithErrno("make the device ", path);
    }
    // Whatever is there now must be the device itself, not a link that somebody put into a volume.
    const Fd made(::openat(parent.directory.get(), parent.name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat facts;
    if (!made || ::fstat(made.get(), &facts) != 0) return failWithErrno("open the device ", path);
    if ((facts.st_mode & S_IFMT) != (node.mode & S_IFMT) || (!S_ISFIFO(node.mode) && facts.st_rdev != number))
        return fail("the device ", path, " exists already and is something else");
    if ((node.uid | node.gid) == 0) return true;
    return ::fchownat(made.get(), "", node.uid, node.gid, AT_EMPTY_PATH) == 0 || failWithErrno("set the owner of ", path);
}

}  // namespace

bool makeNodes(const plan::View& view, const plan::Launch& launch, int root) {
    for (uint32_t i = 0; i < launch.nodes.count; ++i) {
        const plan::Node node = view.at<plan::Node>(launch.nodes, i);
        if (!makeNode(view.text(node.path), node, root) && node.optional == 0) return false;
    }
    return true;
}

bool makeLinks(const plan::View& view, const plan::Launch& launch, int root) {
    for (uint32_t i = 0; i < launch.links.count; ++i) {
        const plan::Pair link = view.at<plan::Pair>(launch.links, i);
        const char* path = view.text(link.name);
        const Parent parent = openParent(root, path);
        if (!parent.directory) return failWithErrno("open the directory of the link ", path);
        if (::symlinkat(view.text(link.value), parent.directory.get(), parent.name) != 0 && errno != EEXIST)
            return failWithErrno("make the link ", path);
    }
    return true;
}

bool maskPaths(const plan::View& view, const plan::Launch& launch, int root) {
    Fd null_device;
    // Covers the first directory itself and is cloned for the others: a mount that isn't placed yet can't be cloned before
    // Linux 6.15, and one that is never placed costs its undoing.
    Fd empty;
    for (uint32_t i = 0; i < launch.masked.count; ++i) {
        const char* path = view.textAt(launch.masked, i);
        const Fd target(openInRoot(root, path, O_PATH));
        if (!target) {
            if (errno == ENOENT || errno == ENOTDIR) continue;
            return failWithErrno("open the path to mask ", path);
        }
        const bool directory = isDirectory(target.get());
        if (directory && !empty) {
            empty.reset(emptyReadOnlyMount());
            if (!empty) return failWithErrno("make the cover of ", path);
            if (!moveMount(empty.get(), target.get(), path)) return false;
            continue;
        }
        if (!directory && !null_device) {
            null_device.reset(::open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC));
            if (!null_device || !isCharDevice(null_device.get(), 1, 3)) return fail("the host's /dev/null is no null device");
        }
        const Fd tree(cloneMount(directory ? empty.get() : null_device.get(), false));
        if (!tree) return failWithErrno("make the cover of ", path);
        if (!moveMount(tree.get(), target.get(), path)) return false;
    }
    return true;
}

bool makeReadOnly(const plan::View& view, const plan::Launch& launch, int root) {
    for (uint32_t i = 0; i < launch.readonly.count; ++i) {
        const char* path = view.textAt(launch.readonly, i);
        const Fd target(openInRoot(root, path, O_PATH));
        if (!target) {
            if (errno == ENOENT || errno == ENOTDIR) continue;
            return failWithErrno("open the path to make read-only ", path);
        }
        const Fd tree(cloneMount(target.get(), true));
        if (!tree) return failWithErrno("bind ", path, " on itself");
        if (!setAttributes(tree.get(), MOUNT_ATTR_RDONLY, 0, 0, true)) return failWithErrno("make read-only: ", path);
        if (!moveMount(tree.get(), target.get(), path)) return false;
    }
    return true;
}

bool writeSysctls(const plan::View& view, const plan::Launch& launch, int root) {
    for (uint32_t i = 0; i < launch.sysctls.count; ++i) {
        const plan::Pair sysctl = view.at<plan::Pair>(launch.sysctls, i);
        const char* path = view.text(sysctl.name);
        if (!writeProcFile(root, path, view.text(sysctl.value))) return failWithErrno("write sysctl ", path);
    }
    return true;
}

int openTerminal(int root, const plan::Process& process, int* peer, bool console) {
    Fd master(openInRoot(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, RESOLVE_NO_SYMLINKS));
    struct statfs facts;
    if (!master || ::fstatfs(master.get(), &facts) != 0) return failWithErrno("open a terminal in /dev/pts"), -1;
    if (facts.f_type != DEVPTS_SUPER_MAGIC) return fail("/dev/pts is no terminal file system"), -1;
    int unlock = 0;
    if (::ioctl(master.get(), TIOCSPTLCK, &unlock) != 0) return failWithErrno("unlock the terminal"), -1;
    Fd slave(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    struct stat device;
    if (!slave || ::fstat(slave.get(), &device) != 0) return failWithErrno("open the terminal's other end"), -1;
    if (!S_ISCHR(device.st_mode) || major(device.st_rdev) < kFirstPtyMajor || major(device.st_rdev) > kLastPtyMajor)
        return fail("the terminal's other end is no terminal"), -1;
    if (process.rows != 0 && process.columns != 0) {
        const struct winsize size = {static_cast<unsigned short>(process.rows),
                                     static_cast<unsigned short>(process.columns), 0, 0};
        (void)::ioctl(master.get(), TIOCSWINSZ, &size);  // a wrong size is no reason to refuse the start
    }
    if (console) {
        const Fd tree(cloneMount(slave.get(), false));
        const Fd target(makeFile(root, "/dev/console"));
        if (!tree || !target) return failWithErrno("prepare /dev/console"), -1;
        if (!moveMount(tree.get(), target.get(), "/dev/console")) return -1;
    }
    *peer = slave.release();
    return master.release();
}

bool enterRoot(int root, bool readonly) {
    const Fd old_root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!old_root || ::fchdir(root) != 0) return failWithErrno("enter the root");
    // The old root is stacked on the new one, then let go of without telling the host.
    if (::syscall(SYS_pivot_root, ".", ".") != 0) return failWithErrno("pivot_root");
    if (::fchdir(old_root.get()) != 0) return failWithErrno("enter the old root");
    if (::mount(nullptr, ".", nullptr, MS_SLAVE | MS_REC, nullptr) != 0) return failWithErrno("separate the old root");
    if (::umount2(".", kDetach) != 0) return failWithErrno("leave the old root");
    if (::chdir("/") != 0) return failWithErrno("enter the new root");
    if (!readonly) return true;
    const Fd slash(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    return setAttributes(slash.get(), MOUNT_ATTR_RDONLY, 0, 0, false) || failWithErrno("make the root read-only");
}

}  // namespace davit::launcher
