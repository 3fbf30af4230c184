#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <initializer_list>

#include "runtime/shim/exec.hpp"
#include "runtime/shim/external.hpp"
#include "runtime/shim/runtime_command.hpp"

namespace davit::shim {
namespace {

using launcher::Fd;
using launcher::TextBuffer;

/// Processes that ended before the command that started them: their pid files come later.
struct Ended {
    pid_t pid = 0;
    int code = 0;
};
constexpr uint32_t kEndedCount = 64;
Ended g_ended[kEndedCount];
uint32_t g_ended_next = 0;
uint32_t g_pending = 0;  ///< commands under way

/// "exec-ID.suffix"
class Name {
  public:
    Name(const ExecProcess* process, const char* suffix) { TextBuffer(text_, sizeof text_).add("exec-").add(process->id).add(suffix); }
    const char* c_str() const { return text_; }

  private:
    char text_[protocol::kIdLength + 16];
};

/// A socket's name must be short.
class ConsoleName {
  public:
    explicit ConsoleName(uint32_t number) { TextBuffer(text_, sizeof text_).add("console-").add(int64_t{number}); }
    const char* c_str() const { return text_; }

  private:
    char text_[32];
};

struct Prepared {
    const plan::View* view;
    const plan::Exec* exec;
    const char* file;
};

/// In the child that becomes `RUNTIME exec`: names of users are those of the container's present files.
bool prepareProcess(void* context) {
    const auto* prepared = static_cast<const Prepared*>(context);
    const plan::View& view = *prepared->view;
    char root[64];
    TextBuffer(root, sizeof root).add("/proc/").add(int64_t{g_container.init.pid}).add("/root");
    const char* const parts[2] = {view.text(prepared->exec->process_head), view.text(prepared->exec->process_tail)};
    return writeWithIdentity(view, prepared->exec->process, root, parts, prepared->file);
}

ExecProcess* findStarting(pid_t command) {
    for (ExecProcess* process = g_container.execs; process != nullptr; process = process->next)
        if (process->external.command == command) return process;
    return nullptr;
}

int takeTerminal(ExecProcess* process) {
    if (!process->io.terminal) return -1;
    const int master = consoleReceive(process->external.console, ConsoleName(process->external.number).c_str());
    const struct winsize size = {process->external.rows, process->external.columns, 0, 0};
    if (master >= 0 && size.ws_row != 0 && size.ws_col != 0) (void)::ioctl(master, TIOCSWINSZ, &size);
    return master;
}

/// False: g_failure says why.
bool takeResult(ExecProcess* process, int code, int* master) {
    if (runtimeFailure(process->external.failures)) return false;
    if (code != 0) return launcher::fail("the OCI runtime's exec failed");
    process->child.pid = readPidFile(Name(process, ".pid").c_str());
    if (process->child.pid <= 0) return launcher::fail("the OCI runtime wrote no pid file");
    process->child.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, process->child.pid, 0)));  // it may have ended
    *master = takeTerminal(process);
    return !process->io.terminal || *master >= 0;
}

/// The process may have ended, and been reaped, before its pid was known.
void reportEarlyEnd(pid_t pid) {
    for (Ended& ended : g_ended) {
        if (ended.pid != pid) continue;
        ended.pid = 0;
        (void)execEnded(pid, ended.code);
        return;
    }
}

}  // namespace

bool externalExec(const plan::View& view, const plan::Exec& exec, ExecProcess* process, const int (&streams)[3]) {
    static uint32_t last_number = 0;
    process->external.number = ++last_number;
    process->external.rows = static_cast<unsigned short>(exec.process.rows);
    process->external.columns = static_cast<unsigned short>(exec.process.columns);
    const ConsoleName console(process->external.number);
    const Name file(process, ".json");
    const Name pid_file(process, ".pid");
    const Name log(process, ".log");
    Fd listener(process->io.terminal ? consoleListen(console.c_str()) : -1);
    if (process->io.terminal && !listener) return false;
    Prepared prepared = {&view, &exec, file.c_str()};
    RuntimeCommand command;
    command.log = log.c_str();
    uint32_t count = 0;
    for (const char* word : {"exec", "--process", file.c_str(), "--detach", "--pid-file", pid_file.c_str()})
        command.words[count++] = word;
    if (process->io.terminal)
        for (const char* word : {"--console-socket", console.c_str()}) command.words[count++] = word;
    for (int i = 0; i < 3; ++i) command.streams[i] = streams[i];
    command.prepare = prepareProcess;
    command.context = &prepared;
    Fd failures;
    process->external.command = runtimeSpawn(command, &failures);
    if (process->external.command < 0) {
        process->external.command = 0;
        return false;
    }
    process->external.console = listener.release();
    process->external.failures = failures.release();
    ++g_pending;
    return true;
}

void externalChildEnded(pid_t pid, int code) {
    ExecProcess* process = findStarting(pid);
    if (process == nullptr) {
        if (g_pending != 0) g_ended[g_ended_next++ % kEndedCount] = {pid, code};
        return;  // else an orphan that came to us: reaped, forgotten
    }
    int master = -1;
    const bool worked = takeResult(process, code, &master);
    const launcher::Failure failure = launcher::g_failure;
    externalForget(process);
    launcher::g_failure = failure;
    runFileRemove(Name(process, ".json").c_str());
    runFileRemove(Name(process, ".pid").c_str());
    if (worked) runFileRemove(Name(process, ".log").c_str());  // else the daemon reads it
    const pid_t started = process->child.pid;
    if (worked) execRuns(process, master);
    else execFailed(process);
    if (worked) reportEarlyEnd(started);
    if (g_pending == 0)
        for (Ended& ended : g_ended) ended.pid = 0;
}

void externalForget(ExecProcess* process) {
    if (process->external.command == 0) return;
    process->external.command = 0;
    --g_pending;
    if (process->external.console >= 0) (void)::close(process->external.console);
    (void)::close(process->external.failures);
}

}  // namespace davit::shim
