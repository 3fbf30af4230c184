#include "runtime/shim/external.hpp"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <initializer_list>

#include "runtime/launcher/mounts.hpp"
#include "runtime/shim/runtime_command.hpp"

namespace davit::shim {
namespace {

using launcher::Fd;
using launcher::TextBuffer;

constexpr int kStartLimitMs = 60'000;
constexpr int kCommandLimitMs = 8'000;  // the daemon waits for ten seconds

struct Bundle {
    const plan::View* view;
    const plan::Launch* launch;
};

/// In the child that becomes `RUNTIME create`.
bool prepareBundle(void* context) {
    const auto* bundle = static_cast<const Bundle*>(context);
    const plan::View& view = *bundle->view;
    const plan::Launch& launch = *bundle->launch;
    if (::unshare(CLONE_NEWNS) != 0) return launcher::failWithErrno("make a mount namespace");
    const Fd root(launcher::mountRoot(view, launch));
    if (!root) return false;
    const Fd host(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (uint32_t i = 0; i < launch.mounts.count; ++i)
        if (!launcher::makeMount(view, view.at<plan::Mount>(launch.mounts, i), host.get())) return false;
    const char* const parts[2] = {view.text(launch.config_head), view.text(launch.config_tail)};
    return writeWithIdentity(view, launch.process, view.text(launch.root), parts, "config.json");
}

/// What the runtime wrote to the container's stderr: the only cause when it keeps no log.
bool failWithOutput(int errors) {
    if (errors < 0) return false;
    char text[900];
    (void)::fcntl(errors, F_SETFL, O_NONBLOCK);
    const ssize_t length = ::read(errors, text, sizeof text - 1);
    if (length <= 0) return false;
    text[text[length - 1] == '\n' ? length - 1 : length] = '\0';
    return launcher::fail(text);
}

bool create(const plan::View& view, const plan::Launch& launch, const int (&streams)[3], int errors) {
    Bundle bundle = {&view, &launch};
    RuntimeCommand command;
    command.log = "create.log";
    uint32_t count = 0;
    for (const char* word : {"create", "--bundle", ".", "--pid-file", "init.pid"}) command.words[count++] = word;
    if (launch.process.terminal)
        for (const char* word : {"--console-socket", "console"}) command.words[count++] = word;
    for (int i = 0; i < 3; ++i) command.streams[i] = streams[i];
    command.prepare = prepareBundle;
    command.context = &bundle;
    return runtimeRun(command, kStartLimitMs) || failWithOutput(errors);
}

bool openInit(launcher::Child* init) {
    init->pid = readPidFile("init.pid");
    if (init->pid <= 0) return launcher::fail("the OCI runtime wrote no pid file");
    init->pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, init->pid, 0)));
    return init->pidfd || launcher::failWithErrno("open the container's first process");
}

bool takeTerminal(const plan::Process& process, int listener, Fd* master) {
    master->reset(consoleReceive(listener, "console"));
    if (!*master) return false;
    if (process.rows == 0 || process.columns == 0) return true;
    const struct winsize size = {static_cast<unsigned short>(process.rows), static_cast<unsigned short>(process.columns), 0, 0};
    (void)::ioctl(master->get(), TIOCSWINSZ, &size);  // a wrong size is no reason to refuse the start
    return true;
}

}  // namespace

bool externalStart(const plan::View& view, const plan::Launch& launch, const int (&streams)[3], int errors, launcher::Child* init,
                   Fd* master) {
    if (!runtimeRemember(view, launch)) return false;
    const Fd listener(launch.process.terminal ? consoleListen("console") : -1);
    if (launch.process.terminal && !listener) return false;
    if (!create(view, launch, streams, errors) || !openInit(init)) return false;
    if (launch.process.terminal && !takeTerminal(launch.process, listener.get(), master)) return false;
    RuntimeCommand start;
    start.log = "create.log";
    start.words[0] = "start";
    if (!runtimeRun(start, kStartLimitMs)) return false;
    runFileRemove("create.log");  // warnings at most; after a failure the daemon reads it
    return true;
}

bool externalSignal(int signal) {
    char number[16];
    TextBuffer(number, sizeof number).add(int64_t{signal});
    RuntimeCommand command;
    command.words[0] = "kill";
    command.after_id[0] = number;
    return runtimeRun(command, kCommandLimitMs);
}

bool externalFreeze(bool frozen) {
    RuntimeCommand command;
    command.words[0] = frozen ? "pause" : "resume";
    return runtimeRun(command, kCommandLimitMs);
}

void externalDelete() {
    if (!runtimeUsed()) return;
    RuntimeCommand command;
    command.words[0] = "delete";
    command.words[1] = "--force";
    (void)runtimeRun(command, kCommandLimitMs);  // what it leaves, the control groups' removal ends
    for (const char* name : {"config.json", "init.pid", "console", "command.log", "runtime"}) runFileRemove(name);
}

}  // namespace davit::shim
