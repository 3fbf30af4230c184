/* syscall_probe: which system calls a container may make.
 *
 * Calls every number below 512 that can be called without harm, each in a child of its own with arguments that no call
 * accepts, and prints "NUMBER denied", "NUMBER enosys" or "NUMBER allowed", one a line. "denied" is EPERM from a filter:
 * the arguments are such that the kernel itself answers another errno, or the call is listed in needs_privilege, for
 * which an unconfined run is the comparison. With -c the capabilities are dropped first: what is EPERM then may be the
 * kernel's doing. Static: it runs in any image. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Would end, stop or block the caller whatever the arguments are; all are in the always-allowed part of the profile. */
static int harmful(long number) {
    switch (number) {
        case SYS_exit:
        case SYS_exit_group:
        case SYS_rt_sigreturn:
        case SYS_pause:
        case SYS_vfork:
        case SYS_fork:
            return 1;
        default:
            return 0;
    }
}

/* A call whose invalid arguments the kernel would not refuse first: arguments that it refuses or that do nothing. */
static long callSafely(long number) {
    switch (number) {
        case SYS_reboot:
            return syscall(number, 0, 0, 0, 0);
        case SYS_clone:
            return syscall(number, 0x7E020000L, 0L, 0L, 0L, 0L); /* namespaces: what the filter must refuse */
        case SYS_personality:
            return syscall(number, 0xffffffffL);
        case SYS_kill:
        case SYS_tkill:
        case SYS_tgkill:
            return syscall(number, -1L, 0L, 0L);
        case SYS_socket:
            return syscall(number, -1L, 0L, 0L);
        case SYS_umount2:
            return syscall(number, "/nonexistent-davit-probe", 0L);
        default:
            return syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
    }
}

static void probe(long number, int* result) {
    *result = -1;
    const pid_t child = fork();
    if (child == 0) {
        alarm(2);
        const long value = callSafely(number);
        *result = value < 0 ? errno : 0;
        _exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
}

int main(void) {
    int* result = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (result == MAP_FAILED) return 1;
    const struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    setvbuf(stdout, NULL, _IONBF, 0);
    for (long number = 0; number < 512; ++number) {
        if (harmful(number)) continue;
        probe(number, result);
        const char* word = *result == EPERM ? "denied" : *result == ENOSYS ? "enosys" : "allowed";
        printf("%ld %s\n", number, word);
    }
    return 0;
}
