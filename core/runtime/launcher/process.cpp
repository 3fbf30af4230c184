#include "runtime/launcher/process.hpp"

#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "runtime/launcher/failure.hpp"
#include "runtime/launcher/fs.hpp"
#include "runtime/launcher/identity.hpp"

namespace davit::launcher {
namespace {

constexpr uint32_t kMaxEnvironment = 65536;
constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

Identity g_identity;  // too big for the stack of a container's first process

/// A hard limit above ours needs CAP_SYS_RESOURCE: without it the limit is what we have.
bool setLimits(const plan::View& view, const plan::Process& process) {
    for (uint32_t i = 0; i < process.rlimits.count; ++i) {
        const plan::Rlimit limit = view.at<plan::Rlimit>(process.rlimits, i);
        const auto resource = static_cast<__rlimit_resource>(limit.resource);
        struct rlimit wanted = {limit.soft, limit.hard};
        if (::setrlimit(resource, &wanted) == 0) continue;
        struct rlimit current;
        if (errno != EPERM || ::getrlimit(resource, &current) != 0) return failWithErrno("set a resource limit");
        if (wanted.rlim_max > current.rlim_max) wanted.rlim_max = current.rlim_max;
        if (wanted.rlim_cur > wanted.rlim_max) wanted.rlim_cur = wanted.rlim_max;
        if (::setrlimit(resource, &wanted) != 0) return failWithErrno("set a resource limit");
    }
    return true;
}

bool dropBoundingSet(uint64_t bounding) {
    for (int capability = 0; capability < 64; ++capability) {
        if (bounding & (uint64_t{1} << capability)) continue;
        if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
            if (errno == EINVAL) break;  // beyond the kernel's last one
            return failWithErrno("drop a capability from the bounding set");
        }
    }
    return true;
}

bool setCapabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    for (int half = 0; half < 2; ++half) {
        data[half].effective = static_cast<uint32_t>(effective >> (32 * half));
        data[half].permitted = static_cast<uint32_t>(permitted >> (32 * half));
        data[half].inheritable = static_cast<uint32_t>(inheritable >> (32 * half));
    }
    return ::syscall(SYS_capset, &header, data) == 0;
}

/// All that is permitted becomes effective again after the change of user.
bool raisePermitted() {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (::syscall(SYS_capget, &header, data) != 0) return false;
    for (auto& half : data) half.effective = half.permitted;
    return ::syscall(SYS_capset, &header, data) == 0;
}

bool applyCapabilities(const plan::Process& process) {
    const uint64_t* sets = process.capabilities;
    const uint64_t inheritable = sets[plan::cap_inheritable] | sets[plan::cap_ambient];
    if (!setCapabilities(sets[plan::cap_effective], sets[plan::cap_permitted], inheritable & sets[plan::cap_permitted]))
        return failWithErrno("set the capabilities");
    (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (int capability = 0; capability < 64; ++capability) {
        if ((sets[plan::cap_ambient] & (uint64_t{1} << capability)) == 0) continue;
        if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0)
            return failWithErrno("raise an ambient capability");
    }
    return true;
}

bool changeIdentity(const plan::Process& process) {
    if (process.set_capabilities && !dropBoundingSet(process.capabilities[plan::cap_bounding])) return false;
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return failWithErrno("keep the capabilities");
    if (::syscall(SYS_setgroups, g_identity.group_count, g_identity.groups) != 0) return failWithErrno("set the groups");
    if (::syscall(SYS_setresgid, g_identity.gid, g_identity.gid, g_identity.gid) != 0) return failWithErrno("set the group");
    if (::syscall(SYS_setresuid, g_identity.uid, g_identity.uid, g_identity.uid) != 0) return failWithErrno("set the user");
    // The change may have cleared this flag's opposite; other processes of the container must not look into this one.
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return raisePermitted() || failWithErrno("raise the capabilities");
}

/// SEC-02: the directory must be below the root whatever the path went through.
bool enterDirectory(const char* cwd) {
    if (::chdir(cwd) != 0) return failWithErrno("chdir to cwd (\"", cwd, "\") set in config.json failed");
    char where[PATH_MAX];
    const long length = ::syscall(SYS_getcwd, where, sizeof where);
    return (length > 0 && where[0] == '/') || fail("current working directory is outside of container mount namespace root");
}

bool makeWorkingDirectory(const char* cwd) {
    const Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const Fd made(makeDirectory(root.get(), cwd));
    return made || errno == EROFS || errno == ELOOP || failWithErrno("mkdir ", cwd);
}

bool loadFilter(const plan::View& view, const plan::Process& process) {
    if (process.seccomp.count == 0) return true;
    struct sock_fprog program;
    program.len = static_cast<unsigned short>(process.seccomp.count);
    // The kernel copies the program; it doesn't write to it.
    program.filter = reinterpret_cast<struct sock_filter*>(const_cast<char*>(view.bytes(process.seccomp)));
    if (program.filter == nullptr) return fail("the seccomp filter is damaged");
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, process.seccomp_flags, &program) == 0 ||
           failWithErrno("load the seccomp filter");
}

/// argv and envp: pointers into the plan.
struct Vectors {
    char** args = nullptr;
    char** env = nullptr;
    char home[4200] = {};
};
Vectors g_vectors;

char* mutableText(const char* text) { return const_cast<char*>(text); }

bool buildVectors(const plan::View& view, const plan::Process& process) {
    if (process.args.count > kMaxEnvironment || process.env.count > kMaxEnvironment) return fail("too many arguments");
    g_vectors.args = static_cast<char**>(::calloc(process.args.count + 1U, sizeof(char*)));
    g_vectors.env = static_cast<char**>(::calloc(process.env.count + 2U, sizeof(char*)));
    if (g_vectors.args == nullptr || g_vectors.env == nullptr) return fail("out of memory");
    for (uint32_t i = 0; i < process.args.count; ++i) g_vectors.args[i] = mutableText(view.textAt(process.args, i));
    bool has_home = false;
    uint32_t used = 0;
    for (uint32_t i = 0; i < process.env.count; ++i) {
        char* entry = mutableText(view.textAt(process.env, i));
        has_home = has_home || strncmp(entry, "HOME=", 5) == 0;
        g_vectors.env[used++] = entry;
    }
    if (!has_home) {
        TextBuffer(g_vectors.home, sizeof g_vectors.home).add("HOME=").add(g_identity.home);
        g_vectors.env[used] = g_vectors.home;
    }
    return true;
}

const char* searchPath() {
    for (char** entry = g_vectors.env; *entry != nullptr; ++entry)
        if (strncmp(*entry, "PATH=", 5) == 0) return *entry + 5;
    return kDefaultPath;
}

/// 0 when it can be run by us, else the errno that Go's exec.LookPath would give.
int checkExecutable(const char* path) {
    struct stat facts;
    if (::stat(path, &facts) != 0) return errno;
    if (S_ISDIR(facts.st_mode)) return EISDIR;
    if ((facts.st_mode & 0111) == 0) return EACCES;
    return ::faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 || errno == EINVAL || errno == ENOSYS ? 0 : errno;
}

bool findInPath(const char* name, char* found, uint32_t size) {
    int denied = 0;
    for (const char* at = searchPath();;) {
        const char* end = strchrnul(at, ':');
        char directory[PATH_MAX];
        const size_t length = static_cast<size_t>(end - at);
        if (length < sizeof directory) {
            memcpy(directory, at, length);
            directory[length] = '\0';
            TextBuffer(found, size).add(length != 0 ? directory : ".").add("/").add(name);
            const int error = checkExecutable(found);
            if (error == 0) return true;
            if (error == EACCES) denied = error;
        }
        if (*end == '\0') break;
        at = end + 1;
    }
    if (denied != 0) return failExec(126, EACCES, "exec: \"", name, "\"");
    return failExec(127, 0, "exec: \"", name, "\": executable file not found in $PATH");
}

bool findProgram(const char* name, char* found, uint32_t size) {
    if (*name == '\0') return failExec(127, 0, "exec: \"\": executable file not found in $PATH");
    if (strchr(name, '/') == nullptr) return findInPath(name, found, size);
    TextBuffer(found, size).add(name);
    const int error = checkExecutable(name);
    if (error == 0) return true;
    // Docker's CLI up to 20.10 takes "permission denied" for 126, later ones "is a directory" too.
    if (error == EISDIR) return failExec(126, EACCES, "exec: \"", name, "\": is a directory");
    if (error == EACCES) return failExec(126, error, "exec: \"", name, "\"");
    if (error == ENOENT || error == ENOTDIR) return failExec(127, error, "exec: \"", name, "\": stat ", name);
    return failExec(126, error, "exec: \"", name, "\"");
}

/// The program's own streams belong to its user, so that it may open /dev/stdout again.
void giveStreams() {
    if (g_identity.uid == 0) return;
    for (int fd = 0; fd < 3; ++fd) {
        struct stat facts;
        if (::fstat(fd, &facts) == 0 && (S_ISFIFO(facts.st_mode) || S_ISCHR(facts.st_mode)) && facts.st_rdev != 0x103)
            (void)!::fchown(fd, g_identity.uid, facts.st_gid);  // not possible is no harm
    }
}

bool isolateDescriptors(int last_kept) {
    // Real closing, not only the flag: /proc/self/fd/N must lead nowhere when the working directory is entered.
    if (::syscall(SYS_close_range, static_cast<unsigned>(last_kept + 1), ~0U, 0U) != 0)
        return failWithErrno("close descriptors");
    return ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0 || failWithErrno("mark descriptors");
}

/// The profile of the program to come. "self" and "thread-self" are symbolic links, which writeProcFile doesn't follow.
bool applyAppArmor(const char* profile) {
    if (*profile == '\0') return true;
    const Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const auto pid = static_cast<int64_t>(::syscall(SYS_getpid));  // of the namespace that /proc shows
    char path[64];
    char old_path[64];
    char value[300];
    TextBuffer(path, sizeof path).add("proc/").add(pid).add("/attr/apparmor/exec");
    TextBuffer(old_path, sizeof old_path).add("proc/").add(pid).add("/attr/exec");  // before Linux 5.8
    TextBuffer(value, sizeof value).add("exec ").add(profile);
    return writeProcFile(root.get(), path, value) || writeProcFile(root.get(), old_path, value) ||
           failWithErrno("apply the apparmor profile ", profile);
}

}  // namespace

void resetSignals() {
    for (int signal = 1; signal < NSIG; ++signal) (void)::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool placeStreams(const int (&fds)[3]) {
    int high[3];
    for (int i = 0; i < 3; ++i) {
        high[i] = ::fcntl(fds[i], F_DUPFD_CLOEXEC, 10);
        if (high[i] < 0) return failWithErrno("duplicate a standard stream");
    }
    for (int i = 0; i < 3; ++i)
        if (::dup2(high[i], i) < 0) return failWithErrno("place a standard stream");
    for (const int fd : high) (void)::close(fd);
    return true;
}

bool becomeProcess(const plan::View& view, const plan::Process& process, int last_kept, bool (*wait)()) {
    static char program[PATH_MAX * 2];
    const char* cwd = view.text(process.cwd);
    if (*cwd == '\0') cwd = "/";
    if (!resolveIdentity(view, process, &g_identity) || !buildVectors(view, process)) return false;
    if (!applyAppArmor(view.text(process.apparmor)) || !makeWorkingDirectory(cwd)) return false;
    giveStreams();
    if (!isolateDescriptors(last_kept) || !setLimits(view, process) || !changeIdentity(process)) return false;
    ::umask(process.set_umask ? process.umask : 022);
    if (!enterDirectory(cwd)) return false;
    if (process.args.count == 0) return fail("no command specified");
    if (process.set_capabilities && process.no_new_privileges && !applyCapabilities(process)) return false;
    if (!findProgram(view.textAt(process.args, 0), program, sizeof program)) return false;
    resetSignals();
    if (!wait()) return false;
    if (process.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failWithErrno("set no_new_privs");
    // Without no_new_privs loading a filter needs CAP_SYS_ADMIN: it comes before the capabilities go.
    if (!loadFilter(view, process)) return false;
    if (process.set_capabilities && !process.no_new_privileges && !applyCapabilities(process)) return false;
    ::execve(program, g_vectors.args, g_vectors.env);
    return failExec(errno == ENOENT ? 127 : 126, errno, "exec ", program);
}

}  // namespace davit::launcher
