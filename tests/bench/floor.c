/* floor: what the kernel alone takes to run a program in new namespaces on an overlay root. The measure of how much an engine
 * adds: clone with new mount, pid, ipc, uts and network namespaces, an overlay mount, /proc, /sys, /dev, pivot_root, exec.
 *
 * usage: floor LOWER WORK_DIR COMMAND [ARG...]       exits with the command's status */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char* what) {
    perror(what);
    _exit(125);
}

static void checked(int result, const char* what) {
    if (result != 0) fail(what);
}

static void makeDevices(void) {
    static const struct { const char* name; int minor; } nodes[] = {{"dev/null", 3}, {"dev/zero", 5}, {"dev/full", 7}, {"dev/random", 8}, {"dev/urandom", 9}};
    checked(mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755,size=65536k"), "mount dev");
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; ++i)
        checked(mknod(nodes[i].name, S_IFCHR | 0666, (dev_t)((1 << 8) | nodes[i].minor)), nodes[i].name);
}

static void enterRoot(const char* lower, const char* work) {
    char options[8192];
    snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work", lower, work, work);
    char root[4096];
    snprintf(root, sizeof root, "%s/root", work);
    checked(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL), "make / private");
    checked(mount("overlay", root, "overlay", 0, options), "mount overlay");
    checked(chdir(root), "chdir");
    checked(mount("proc", "proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL), "mount proc");
    checked(mount("sysfs", "sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL), "mount sys");
    makeDevices();
    checked((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
    checked(umount2(".", MNT_DETACH), "umount");
    checked(chdir("/"), "chdir /");
}

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    char path[4096];
    const char* folders[] = {"upper", "work", "root"};
    for (int i = 0; i < 3; ++i) {
        snprintf(path, sizeof path, "%s/%s", argv[2], folders[i]);
        (void)mkdir(path, 0755);
    }
    const long child = syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | SIGCHLD, 0L, 0L, 0L, 0L);
    if (child < 0) fail("clone");
    if (child == 0) {
        enterRoot(argv[1], argv[2]);
        execv(argv[3], argv + 3);
        fail(argv[3]);
    }
    int status = 0;
    if (waitpid((pid_t)child, &status, 0) < 0) fail("wait");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
