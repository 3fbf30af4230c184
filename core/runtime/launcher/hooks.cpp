#include "runtime/launcher/hooks.hpp"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <initializer_list>

#include "runtime/launcher/failure.hpp"
#include "runtime/launcher/fs.hpp"
#include "runtime/launcher/process.hpp"

namespace davit::launcher {
namespace {

char** copyTexts(const plan::View& view, plan::List list, const char* fallback) {
    auto** texts = static_cast<char**>(::calloc(list.count + 2U, sizeof(char*)));
    if (texts == nullptr) return nullptr;
    for (uint32_t i = 0; i < list.count; ++i) texts[i] = const_cast<char*>(view.textAt(list, i));
    if (list.count == 0) texts[0] = const_cast<char*>(fallback);
    return texts;
}

/// The state as a file to read from its begin.
int stateFile(const char* state, const char* status) {
    char end[64];
    TextBuffer(end, sizeof end).add(",\"status\":\"").add(status).add("\",\"pid\":").add(int64_t{::getpid()}).add("}");
    Fd file(static_cast<int>(::syscall(SYS_memfd_create, "davit-state", MFD_CLOEXEC)));
    for (const char* part : {state, static_cast<const char*>(end)}) {
        const auto size = static_cast<ssize_t>(strlen(part));
        if (!file || ::write(file.get(), part, static_cast<size_t>(size)) != size) return failWithErrno("write the state for a hook"), -1;
    }
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return failWithErrno("rewind the state for a hook"), -1;
    return file.release();
}

[[noreturn]] void becomeHook(const char* path, char** args, char** env, int state) {
    const Fd output(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    const int streams[3] = {state, output ? output.get() : STDERR_FILENO, STDERR_FILENO};
    if (placeStreams(streams)) {
        resetSignals();
        ::execve(path, args, env);
    }
    ::_exit(127);
}

/// Waits `timeout_s` seconds, 0: for ever.
bool awaitHook(pid_t pid, const char* path, uint32_t timeout_s) {
    const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    struct pollfd end = {pidfd.get(), POLLIN, 0};
    int ready;
    do ready = ::poll(&end, 1, timeout_s != 0 ? static_cast<int>(timeout_s) * 1000 : -1);
    while (ready < 0 && errno == EINTR);
    if (ready <= 0) (void)::kill(pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (ready <= 0) return fail("hook ", path, " took too long");
    if (status == 0) return true;
    char code[24];
    TextBuffer(code, sizeof code).add(int64_t{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)});
    return fail("hook ", path, " failed: exit status ", code);
}

bool runHook(const plan::View& view, const plan::Hook& hook, const char* state, const char* status) {
    const char* path = view.text(hook.path);
    char** args = copyTexts(view, hook.args, path);
    char** env = copyTexts(view, hook.env, nullptr);
    const Fd input(stateFile(state, status));
    if (!input) return false;
    if (args == nullptr || env == nullptr) return fail("out of memory");
    const pid_t pid = ::fork();
    if (pid < 0) return failWithErrno("start the hook ", path);
    if (pid == 0) becomeHook(path, args, env, input.get());
    ::free(static_cast<void*>(args));
    ::free(static_cast<void*>(env));
    return awaitHook(pid, path, hook.timeout_s);
}

}  // namespace

bool runHooks(const plan::View& view, plan::List hooks, const char* state, const char* status) {
    for (uint32_t i = 0; i < hooks.count; ++i)
        if (!runHook(view, view.at<plan::Hook>(hooks, i), state, status)) return false;
    return true;
}

}  // namespace davit::launcher
