#include "runtime/launcher/mounts.hpp"

#include <linux/mount.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "runtime/launcher/failure.hpp"

// <sys/mount.h> and <linux/mount.h> can't be included together in glibc 2.36.
extern "C" int mount(const char*, const char*, const char*, unsigned long, const void*);

namespace davit::launcher {
namespace {

constexpr uint64_t kPropagationRecursive = MS_REC;

/// Mounts whose options outgrow the page of mount(2): one fsconfig per option, one per overlay layer.
bool mountByParts(const plan::View& view, const plan::Mount& mount, int target) {
    const char* type = view.text(mount.type);
    const Fd context(static_cast<int>(::syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)));
    if (!context) return failWithErrno("open the file system ", type);
    for (uint32_t i = 0; i < mount.lowers.count; ++i) {
        const char* layer = view.textAt(mount.lowers, i);
        if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "lowerdir+", layer, 0) != 0)
            return failWithErrno("add the layer ", layer);
    }
    char word[4096];
    for (const char* at = view.text(mount.data); *at != '\0';) {
        const char* comma = strchrnul(at, ',');
        const size_t length = static_cast<size_t>(comma - at);
        if (length >= sizeof word) return fail("a mount option is too long");
        memcpy(word, at, length);
        word[length] = '\0';
        at = *comma != '\0' ? comma + 1 : comma;
        char* value = strchr(word, '=');
        if (value != nullptr) *value++ = '\0';
        const unsigned command = value != nullptr ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
        if (::syscall(SYS_fsconfig, context.get(), command, word, value, 0) != 0)
            return failWithErrno("set the mount option ", word);
    }
    if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
        return failWithErrno("create the file system ", type);
    const Fd tree(static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0)));
    if (!tree) return failWithErrno("mount the file system ", type);
    return moveMount(tree.get(), target, "the root");
}

/// For "/proc/PID/root/path": the mount namespace of that process and "/path" in it. For "/proc/PID/fd/N": its namespace, and the
/// path as it is. A mount can only be cloned by who is in its namespace.
const char* splitForeign(const char* source, Fd* foreign) {
    constexpr const char* kProc = "/proc/";
    const char* slash = strncmp(source, kProc, 6) == 0 ? strchr(source + 6, '/') : nullptr;
    if (slash == nullptr || slash - source > 32) return source;
    const bool root = strncmp(slash, "/root/", 6) == 0;
    if (!root && strncmp(slash, "/fd/", 4) != 0) return source;
    char pid[40] = {};
    memcpy(pid, source, static_cast<size_t>(slash - source));
    char path[64];
    TextBuffer(path, sizeof path).add(pid).add("/ns/mnt");
    foreign->reset(::open(path, O_RDONLY | O_CLOEXEC));
    return *foreign && root ? slash + 5 : source;
}

int openSource(const char* source, bool recursive) {
    const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0U);
    Fd foreign;
    const char* path = splitForeign(source, &foreign);
    const Fd own(foreign ? ::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC) : -1);
    if (foreign && (!own || ::setns(foreign.get(), CLONE_NEWNS) != 0)) return -1;
    const int tree = static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, path, flags));
    const int saved = errno;
    if (foreign && ::setns(own.get(), CLONE_NEWNS) != 0) return -1;
    errno = saved;
    return tree;
}

bool bindTree(const plan::View& view, const plan::Mount& mount, Fd* tree) {
    const char* source = view.text(mount.source);
    tree->reset(openSource(source, mount.flags & plan::mount_recursive));
    if (!*tree) return failWithErrno("open the bind source ", source);
    if (mount.propagation != 0 &&
        !setAttributes(tree->get(), 0, 0, mount.propagation & ~kPropagationRecursive, mount.propagation & kPropagationRecursive))
        return failWithErrno("set the propagation of ", source);
    if ((mount.set_attributes | mount.clear_attributes) != 0 &&
        !setAttributes(tree->get(), mount.set_attributes, mount.clear_attributes, 0, false))
        return failWithErrno("set the mount attributes of ", source);
    if ((mount.recursive_set | mount.recursive_clear) != 0 &&
        !setAttributes(tree->get(), mount.recursive_set, mount.recursive_clear, 0, true)) {
        if (mount.flags & plan::mount_force_recursive) return failWithErrno("make the bind read-only with all below it: ", source);
        if (!setAttributes(tree->get(), mount.recursive_set, mount.recursive_clear, 0, false))
            return failWithErrno("set the mount attributes of ", source);
    }
    return true;
}

bool bind(const plan::View& view, const plan::Mount& mount, int root) {
    const char* target_path = view.text(mount.target);
    Fd tree;
    if (!bindTree(view, mount, &tree)) return false;
    const bool directory = isDirectory(tree.get());
    const Fd target(directory ? makeDirectory(root, target_path) : makeFile(root, target_path));
    if (!target) return failWithErrno("make the mount point ", target_path);
    if (isDirectory(target.get()) != directory)
        return fail("error mounting \"", view.text(mount.source), "\" to rootfs: not a directory: Are you trying to mount a "
                    "directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type: ",
                    target_path);
    return moveMount(tree.get(), target.get(), target_path);
}

bool mountFileSystem(const plan::View& view, const plan::Mount& mount, int root) {
    const char* path = view.text(mount.target);
    const char* type = view.text(mount.type);
    const bool real = mount.flags & plan::mount_replace_link;
    const Fd target(real ? makeRealDirectory(root, path) : makeDirectory(root, path));
    if (!target) return failWithErrno("make the mount point ", path);
    struct stat below;
    if (::fstat(target.get(), &below) != 0) return failWithErrno("look at the mount point ", path);
    if (::mount(view.text(mount.source), FdPath(target.get()).c_str(), type, mount.mount_flags, view.text(mount.data)) != 0)
        return failWithErrno("error mounting \"", type, "\" to rootfs at ", path);
    if ((mount.flags & plan::mount_keep_mode) == 0 && mount.propagation == 0) return true;
    const Fd made(openInRoot(root, path, O_RDONLY | O_DIRECTORY));
    if (!made) return failWithErrno("open the new mount at ", path);
    if ((mount.flags & plan::mount_keep_mode) && ::fchmod(made.get(), below.st_mode & 07777) != 0)
        return failWithErrno("set the mode of ", path);
    if (mount.propagation != 0 &&
        !setAttributes(made.get(), 0, 0, mount.propagation & ~kPropagationRecursive, mount.propagation & kPropagationRecursive))
        return failWithErrno("set the propagation of ", path);
    return true;
}

bool changeAttributes(const plan::View& view, const plan::Mount& mount, int root) {
    const char* path = view.text(mount.target);
    const Fd target(openInRoot(root, path, O_PATH));
    if (!target) return failWithErrno("open the mount at ", path);
    return setAttributes(target.get(), mount.set_attributes, mount.clear_attributes, 0, false) ||
           failWithErrno("set the mount attributes of ", path);
}

/// A new mount must not show in the host's namespace when the mount below it is shared (root propagation "shared").
bool makeParentPrivate(const char* path) {
    char parent[4096];
    TextBuffer(parent, sizeof parent).add(path);
    while (true) {
        if (::mount(nullptr, parent[0] != '\0' ? parent : "/", nullptr, MS_PRIVATE, nullptr) == 0) return true;
        char* slash = strrchr(parent, '/');
        if (errno != EINVAL || slash == nullptr) return failWithErrno("make the mount below ", path, " private");
        *slash = '\0';
    }
}

bool mountRootPart(const plan::View& view, const plan::Mount& mount, int target) {
    if (mount.kind == plan::MountKind::bind) {
        Fd tree;
        return bindTree(view, mount, &tree) && moveMount(tree.get(), target, "the root");
    }
    const char* directory = view.text(mount.directory);
    if (*directory != '\0' && ::chdir(directory) != 0) return failWithErrno("enter ", directory);
    if (mount.lowers.count != 0) return mountByParts(view, mount, target);
    const char* type = view.text(mount.type);
    return ::mount(view.text(mount.source), FdPath(target).c_str(), type, mount.mount_flags, view.text(mount.data)) == 0 ||
           failWithErrno("mount ", type, " as the root on ", view.text(mount.target));
}

}  // namespace

bool setAttributes(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive) {
    struct mount_attr attributes {};
    attributes.attr_set = set;
    attributes.attr_clr = clear;
    attributes.propagation = propagation;
    // The access-time mode is a field, not a bit: to set it, it has to be cleared.
    if (set & MOUNT_ATTR__ATIME) attributes.attr_clr |= MOUNT_ATTR__ATIME;
    const unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U);
    return ::syscall(SYS_mount_setattr, fd, "", flags, &attributes, sizeof attributes) == 0;
}

bool moveMount(int tree, int target, const char* name) {
    constexpr unsigned kFlags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    return ::syscall(SYS_move_mount, tree, "", target, "", kFlags) == 0 || failWithErrno("attach the mount at ", name);
}

int cloneMount(int fd, bool recursive) {
    const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U);
    return static_cast<int>(::syscall(SYS_open_tree, fd, "", flags));
}

int emptyReadOnlyMount() {
    const Fd context(static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
    if (!context) return -1;
    (void)::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "size", "0", 0);
    (void)::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "nr_inodes", "1", 0);
    (void)::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "mode", "0555", 0);
    (void)::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_FLAG, "ro", nullptr, 0);
    if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return -1;
    return static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY));
}

int mountRoot(const plan::View& view, const plan::Launch& launch) {
    const char* path = view.text(launch.root);
    const uint64_t propagation = launch.root_propagation != 0 ? launch.root_propagation : uint64_t{MS_SLAVE | MS_REC};
    if (::mount(nullptr, "/", nullptr, propagation, nullptr) != 0) return failWithErrno("set the propagation of /"), -1;
    if (::mkdir(path, 0755) != 0 && errno != EEXIST) return failWithErrno("make the directory ", path), -1;
    if ((propagation & MS_SHARED) && !makeParentPrivate(path)) return -1;
    Fd root(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return failWithErrno("open the root ", path), -1;
    for (uint32_t i = 0; i < launch.root_mounts.count; ++i) {
        if (!mountRootPart(view, view.at<plan::Mount>(launch.root_mounts, i), root.get())) return -1;
        root.reset(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    if (launch.root_mounts.count != 0) return root.release();
    // pivot_root wants a mount: the directory on itself.
    const Fd tree(cloneMount(root.get(), true));
    if (!tree) return failWithErrno("bind the root ", path), -1;
    if (!setAttributes(tree.get(), 0, 0, MS_PRIVATE, true)) return failWithErrno("make the root private ", path), -1;
    if (!moveMount(tree.get(), root.get(), path)) return -1;
    return ::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

bool makeMount(const plan::View& view, const plan::Mount& mount, int root) {
    switch (mount.kind) {
        case plan::MountKind::bind: return bind(view, mount, root);
        case plan::MountKind::attributes: return changeAttributes(view, mount, root);
        case plan::MountKind::file_system: break;
    }
    return mountFileSystem(view, mount, root);
}

}  // namespace davit::launcher
