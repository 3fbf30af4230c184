#include "runtime/launcher/cgroups.hpp"

#include <dirent.h>
#include <limits.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "runtime/launcher/failure.hpp"
#include "runtime/launcher/fs.hpp"

namespace davit::launcher {
namespace {

constexpr uint32_t kPathLength = 4096;

/// One read of a small file; the length, or -1.
ssize_t readFile(const char* directory, const char* name, char* buffer, uint32_t size) {
    char path[kPathLength];
    TextBuffer(path, sizeof path).add(directory).add("/").add(name);
    const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
    if (!file) return -1;
    const ssize_t length = ::read(file.get(), buffer, size - 1);
    buffer[length > 0 ? length : 0] = '\0';
    return length;
}

bool writeIn(const char* directory, const char* name, const char* value) {
    char path[kPathLength];
    TextBuffer(path, sizeof path).add(directory).add("/").add(name);
    return writeFile(AT_FDCWD, path, value);
}

/// A v1 cpuset group is unusable until it has processors and memory nodes: it inherits them.
void inheritCpuset(const char* parent, const char* directory) {
    static const char* const kFiles[] = {"cpuset.cpus", "cpuset.mems"};
    for (const char* file : kFiles) {
        char value[1024];
        if (readFile(directory, file, value, sizeof value) > 1) continue;
        if (readFile(parent, file, value, sizeof value) > 1) (void)writeIn(directory, file, value);
    }
    (void)writeIn(directory, "cgroup.clone_children", "1");
}

/// On v2 a group's children get the controllers that it passes on. False on v1.
bool passControllersOn(const char* directory) {
    char available[512];
    if (readFile(directory, "cgroup.controllers", available, sizeof available) < 0) return false;
    for (char* name = strtok(available, " \n"); name != nullptr; name = strtok(nullptr, " \n")) {
        char value[64];
        TextBuffer(value, sizeof value).add("+").add(name);
        (void)writeIn(directory, "cgroup.subtree_control", value);  // one that can't be passed on is missed where it is needed
    }
    return true;
}

bool makeOne(const char* directory) { return ::mkdir(directory, 0755) == 0 || errno == EEXIST; }

/// Makes `path` and its missing parents below `mount_point`; those that exist pass their controllers on, too.
bool makeWithParents(const char* path, const char* mount_point) {
    char prefix[kPathLength];
    char parent[kPathLength];
    const size_t start = strlen(mount_point);
    if (strlen(path) >= sizeof prefix || strlen(path) <= start) return errno = ENAMETOOLONG, false;
    TextBuffer(parent, sizeof parent).add(mount_point);
    for (const char* at = path + start + 1;; ++at) {
        if (*at != '/' && *at != '\0') continue;
        const size_t length = static_cast<size_t>(at - path);
        memcpy(prefix, path, length);
        prefix[length] = '\0';
        const bool unified = passControllersOn(parent);
        if (!makeOne(prefix)) return false;
        if (!unified) inheritCpuset(parent, prefix);
        TextBuffer(parent, sizeof parent).add(prefix);
        if (*at == '\0') return true;
    }
}

/// A group that someone else has made may pass nothing on: then the file to write is missing in the container's, and everything
/// on the way is asked once more. (The usual case, a parent of our own, is spared these writes.)
bool writeLimit(const plan::View& view, const plan::Launch& launch, const char* path, const char* value) {
    if (writeFile(AT_FDCWD, path, value)) return true;
    if (errno != ENOENT || launch.cgroup_directories.count == 0) return false;
    const plan::CgroupDirectory first = view.at<plan::CgroupDirectory>(launch.cgroup_directories, 0);
    (void)makeWithParents(view.text(first.path), view.text(first.mount_point));  // the write says what is still wrong
    return writeFile(AT_FDCWD, path, value);
}

bool attachDeviceFilter(const plan::View& view, const plan::Launch& launch) {
    if (launch.device_filter.count == 0) return true;
    union bpf_attr load {};
    load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    load.insn_cnt = launch.device_filter.count;
    load.insns = reinterpret_cast<uint64_t>(view.bytes(launch.device_filter));
    load.license = reinterpret_cast<uint64_t>("Apache-2.0");
    const Fd program(static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load)));
    if (!program) return failWithErrno("load the device filter");
    const Fd directory(::open(view.text(launch.device_cgroup), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return failWithErrno("open the control group ", view.text(launch.device_cgroup));
    union bpf_attr attach {};
    attach.target_fd = static_cast<uint32_t>(directory.get());
    attach.attach_bpf_fd = static_cast<uint32_t>(program.get());
    attach.attach_type = BPF_CGROUP_DEVICE;
    attach.attach_flags = BPF_F_ALLOW_MULTI;
    return ::syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) == 0 || failWithErrno("attach the device filter");
}

/// The v2 group that the process `first` is in, which is below `directory`.
bool groupBelow(const char* directory, pid_t first, char* result, uint32_t size) {
    char proc[40];
    char groups[kPathLength];
    TextBuffer(proc, sizeof proc).add("/proc/").add(int64_t{first});
    if (readFile(proc, "cgroup", groups, sizeof groups) <= 0) return false;
    const char* last = strrchr(directory, '/');
    char* path = strncmp(groups, "0::", 3) == 0 ? strstr(groups, last) : nullptr;  // the only line of a v2 host
    if (path == nullptr) return false;
    char* below = path + strlen(last);
    below[strcspn(below, "\n")] = '\0';
    if (*below != '/') return false;
    TextBuffer(result, size).add(directory).add(below);
    return true;
}

void killIn(int group) {
    if (writeFile(group, "cgroup.kill", "1")) return;  // v2
    char pids[16384];
    const Fd file(::openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC));
    const ssize_t length = file ? ::read(file.get(), pids, sizeof pids - 1) : -1;
    if (length <= 0) return;
    pids[length] = '\0';
    for (char* text = strtok(pids, "\n"); text != nullptr; text = strtok(nullptr, "\n")) {
        const int pid = atoi(text);
        if (pid > 1) (void)::kill(pid, SIGKILL);
    }
}

/// The first child group's name; false without one.
bool firstGroupIn(int directory, char (&name)[NAME_MAX + 1]) {
    DIR* list = ::fdopendir(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (list == nullptr) return false;
    bool found = false;
    while (const struct dirent* entry = ::readdir(list)) {
        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        TextBuffer(name, sizeof name).add(entry->d_name);
        found = true;
        break;
    }
    (void)::closedir(list);
    return found;
}

/// A container that may write its groups makes some of its own, as deep as it likes: each round removes one that has none below.
void removeGroupsBelow(const char* directory) {
    while (true) {
        Fd parent(::open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        char name[NAME_MAX + 1];
        if (!parent || !firstGroupIn(parent.get(), name)) return;
        while (true) {
            Fd child(::openat(parent.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
            char next[NAME_MAX + 1];
            if (!child || !firstGroupIn(child.get(), next)) break;
            parent = static_cast<Fd&&>(child);
            memcpy(name, next, sizeof name);
        }
        if (::unlinkat(parent.get(), name, AT_REMOVEDIR) == 0) continue;
        const Fd living(::openat(parent.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (living) killIn(living.get());
        return;  // it is empty a little later
    }
}

}  // namespace

bool makeCgroups(const plan::View& view, const plan::Launch& launch) {
    for (uint32_t i = 0; i < launch.cgroup_directories.count; ++i) {
        const plan::CgroupDirectory directory = view.at<plan::CgroupDirectory>(launch.cgroup_directories, i);
        const char* path = view.text(directory.path);
        if (makeOne(path)) continue;
        if (errno != ENOENT || !makeWithParents(path, view.text(directory.mount_point)))
            return failWithErrno("make the control group ", path);
    }
    return true;
}

bool limitCgroups(const plan::View& view, const plan::Launch& launch, WarningHandler warn) {
    for (uint32_t i = 0; i < launch.cgroup_writes.count; ++i) {
        const plan::CgroupWrite write = view.at<plan::CgroupWrite>(launch.cgroup_writes, i);
        const char* path = view.text(write.path);
        if (writeLimit(view, launch, path, view.text(write.value))) continue;
        if (!write.optional) return failWithErrno("failed to write ", view.text(write.value), " to ", path);
        warn(path);
    }
    return attachDeviceFilter(view, launch);
}

bool attachToCgroup(const char* directory, pid_t pid) {
    char text[24];
    TextBuffer(text, sizeof text).add(int64_t{pid});
    return writeIn(directory, "cgroup.procs", text) || failWithErrno("attach to the control group ", directory);
}

bool enterCgroup(const char* directory) {
    if (writeIn(directory, "tasks", "0")) return true;
    return (errno == ENOENT && writeIn(directory, "cgroup.procs", "0")) || failWithErrno("enter the control group ", directory);
}

int openUnifiedCgroup(const char* directory) {
    char path[kPathLength];
    TextBuffer(path, sizeof path).add(directory).add("/cgroup.controllers");
    if (::access(path, F_OK) != 0) return -1;
    return ::open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool attachBeside(const char* directory, pid_t first, pid_t pid) {
    char below[kPathLength];
    if (attachToCgroup(directory, pid)) return true;
    if (errno != EBUSY || !groupBelow(directory, first, below, sizeof below)) return false;
    return attachToCgroup(below, pid);
}

void killCgroup(const char* directory) {
    const Fd group(::open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (group) killIn(group.get());
}

bool removeCgroup(const char* directory) {
    for (int attempt = 0;; ++attempt) {
        if (::rmdir(directory) == 0 || errno == ENOENT) return true;
        if (errno != EBUSY || attempt == 50) return false;
        killCgroup(directory);
        ::usleep(attempt < 10 ? 1000 : 10000);  // the kernel lets go of a dead process's group a little later
        removeGroupsBelow(directory);
    }
}

}  // namespace davit::launcher
