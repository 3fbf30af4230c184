// davit-init: process 1 of a container that was started with --init.
//
// Starts the program given as its arguments, passes every signal on to it, reaps orphans, and ends with the program's
// status (128 + signal when a signal ended it). Static, freestanding of the image: it is bind-mounted into the container.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace {

// Faults of the program itself: process 1 must not hand its own on.
bool isFault(int number) {
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL || number == SIGTRAP ||
           number == SIGABRT || number == SIGSYS;
}

sigset_t forwardedSignals() {
    sigset_t set;
    ::sigfillset(&set);
    for (int number = 1; number < NSIG; ++number)
        if (isFault(number) || number == SIGTTIN || number == SIGTTOU) ::sigdelset(&set, number);
    return set;
}

[[noreturn]] void runProgram(char** argv, const sigset_t& original) {
    // A process group of its own, in the foreground of the terminal if there is one: ^C reaches the program's children too.
    (void)::setpgid(0, 0);
    (void)::signal(SIGTTOU, SIG_IGN);  // tcsetpgrp from the background would stop us
    (void)::tcsetpgrp(STDIN_FILENO, ::getpgrp());
    (void)::signal(SIGTTOU, SIG_DFL);
    (void)::signal(SIGTTIN, SIG_DFL);
    (void)::sigprocmask(SIG_SETMASK, &original, nullptr);
    (void)::execvp(argv[0], argv);
    const int cause = errno;
    (void)::dprintf(STDERR_FILENO, "davit-init: exec %s: %s\n", argv[0], strerrordesc_np(cause));
    ::_exit(cause == ENOENT ? 127 : 126);
}

// Reaps all that ended; true when the program is among them, with its status in `code`.
bool reap(pid_t program, int& code) {
    bool ended = false;
    for (;;) {
        int status = 0;
        const pid_t pid = ::waitpid(-1, &status, WNOHANG);
        if (pid <= 0) return ended;
        if (pid != program) continue;
        ended = true;
        code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
}

}  // namespace

int main(int argc, char** argv) {
    // The "--" that Docker's init takes is accepted, so that either can be mounted.
    int first = 1;
    if (argc > 1 && ::strcmp(argv[1], "--") == 0) first = 2;
    if (argc <= first) {
        (void)::dprintf(STDERR_FILENO, "usage: davit-init [--] PROGRAM [ARGUMENT]...\n");
        return 2;
    }
    const sigset_t set = forwardedSignals();
    sigset_t original;
    (void)::sigprocmask(SIG_SETMASK, &set, &original);
    (void)::signal(SIGTTIN, SIG_IGN);
    (void)::signal(SIGTTOU, SIG_IGN);
    // Without CAP_SYS_RESOURCE this may fail when we aren't process 1: orphans then go to who is.
    (void)::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    const pid_t program = ::fork();
    if (program < 0) {
        (void)::dprintf(STDERR_FILENO, "davit-init: fork: %s\n", strerrordesc_np(errno));
        return 1;
    }
    if (program == 0) runProgram(argv + first, original);
    for (;;) {
        int code = 0;
        const int number = ::sigwaitinfo(&set, nullptr);
        if (number < 0) continue;  // interrupted by a stop and continue
        if (number != SIGCHLD)
            (void)::kill(program, number);
        else if (reap(program, code))
            return code;
    }
}
