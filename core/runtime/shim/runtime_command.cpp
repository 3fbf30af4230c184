#include "runtime/shim/runtime_command.hpp"

#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <initializer_list>

#include "runtime/launcher/child.hpp"
#include "runtime/launcher/identity.hpp"
#include "runtime/launcher/pass_fd.hpp"
#include "runtime/launcher/process.hpp"

namespace davit::shim {
namespace {

using launcher::Fd;
using launcher::TextBuffer;

constexpr uint32_t kMaxArguments = 64;

struct Runtime {
    char* path = nullptr;
    char* run_dir = nullptr;
    char* id = nullptr;
    char* options[32] = {};
    uint32_t option_count = 0;
};
Runtime g_runtime;

/// The command line. It points into `command` and g_runtime.
struct Arguments {
    const char* words[kMaxArguments] = {};
    uint32_t count = 0;

    void add(const char* word) {
        if (count + 1 < kMaxArguments) words[count++] = word;
    }
};

void buildArguments(const RuntimeCommand& command, Arguments* arguments) {
    arguments->add(g_runtime.path);
    for (uint32_t i = 0; i < g_runtime.option_count; ++i) arguments->add(g_runtime.options[i]);
    for (const char* word : {"--root", "state", "--log", command.log, "--log-format", "json"}) arguments->add(word);
    for (const char* const* word = command.words; *word != nullptr; ++word) arguments->add(*word);
    arguments->add(g_runtime.id);
    for (const char* word : command.after_id)
        if (word != nullptr) arguments->add(word);
}

bool placeRuntimeStreams(const RuntimeCommand& command) {
    const Fd null_device(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null_device) return launcher::failWithErrno("open /dev/null");
    int streams[3];
    for (int i = 0; i < 3; ++i) streams[i] = command.streams[i] >= 0 ? command.streams[i] : null_device.get();
    return launcher::placeStreams(streams);
}

bool becomeRuntime(const RuntimeCommand& command) {
    static const char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    const char* environment[] = {path, nullptr};
    Arguments arguments;
    buildArguments(command, &arguments);
    if (command.prepare != nullptr && !command.prepare(command.context)) return false;
    if (!placeRuntimeStreams(command)) return false;
    if (::chdir(g_runtime.run_dir) != 0) return launcher::failWithErrno("enter ", g_runtime.run_dir);
    if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return launcher::failWithErrno("mark descriptors");
    launcher::resetSignals();
    ::umask(022);
    ::execve(g_runtime.path, const_cast<char* const*>(arguments.words), const_cast<char* const*>(environment));
    return launcher::failWithErrno("run the OCI runtime ", g_runtime.path);
}

[[noreturn]] void runChild(const RuntimeCommand& command, pid_t parent, Fd channel) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != parent) ::_exit(1);  // it died before the signal was asked for
    (void)becomeRuntime(command);
    launcher::ChildMessage message;
    message.failure = launcher::g_failure;
    (void)::send(channel.get(), &message, sizeof message, MSG_NOSIGNAL);
    ::_exit(1);
}

/// False when the process didn't end in time; it is killed and reaped then.
bool awaitEnd(pid_t pid, int limit_ms, int* status) {
    const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    struct pollfd end = {pidfd.get(), POLLIN, 0};
    int ready;
    do ready = ::poll(&end, 1, limit_ms);
    while (ready < 0 && errno == EINTR);
    if (ready <= 0) (void)::kill(pid, SIGKILL);
    while (::waitpid(pid, status, 0) < 0 && errno == EINTR) {
    }
    return ready > 0;
}

bool writeText(int fd, const char* text) {
    for (size_t rest = strlen(text); rest != 0;) {
        const ssize_t count = ::write(fd, text, rest);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        text += count;
        rest -= static_cast<size_t>(count);
    }
    return true;
}

bool writeIds(int fd, const launcher::Identity& identity) {
    char text[64];
    TextBuffer(text, sizeof text).add("\"uid\":").add(int64_t{identity.uid}).add(",\"gid\":").add(int64_t{identity.gid});
    if (!writeText(fd, text) || !writeText(fd, ",\"additionalGids\":[")) return false;
    for (uint32_t i = 0; i < identity.group_count; ++i) {
        TextBuffer(text, sizeof text).add(i != 0 ? "," : "").add(int64_t{identity.groups[i]});
        if (!writeText(fd, text)) return false;
    }
    return writeText(fd, "]");
}

/// The path of a file of the run directory.
class RunPath {
  public:
    explicit RunPath(const char* name) { TextBuffer(text_, sizeof text_).add(g_runtime.run_dir).add("/").add(name); }
    const char* c_str() const { return text_; }

  private:
    char text_[4096];
};

}  // namespace

bool runtimeRemember(const plan::View& view, const plan::Launch& launch) {
    const char* path = view.text(launch.external_runtime);
    if (*path == '\0') return true;
    g_runtime.run_dir = ::strdup(view.text(launch.run_dir));
    g_runtime.id = ::strdup(view.text(launch.id));
    constexpr uint32_t kMost = sizeof g_runtime.options / sizeof g_runtime.options[0];
    if (launch.runtime_args.count > kMost) return launcher::fail("too many options of the OCI runtime");
    for (uint32_t i = 0; i < launch.runtime_args.count; ++i)
        g_runtime.options[g_runtime.option_count++] = ::strdup(view.textAt(launch.runtime_args, i));
    g_runtime.path = ::strdup(path);
    return (g_runtime.path != nullptr && g_runtime.run_dir != nullptr && g_runtime.id != nullptr) ||
           launcher::fail("out of memory");
}

bool runtimeUsed() { return g_runtime.path != nullptr; }

pid_t runtimeSpawn(const RuntimeCommand& command, Fd* failures) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return launcher::failWithErrno("make a channel"), -1;
    failures->reset(pair[0]);
    Fd theirs(pair[1]);
    const pid_t self = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return launcher::failWithErrno("fork"), -1;
    if (pid == 0) runChild(command, self, static_cast<Fd&&>(theirs));
    return pid;
}

bool runtimeFailure(int failures) {
    Fd unused;
    (void)::fcntl(failures, F_SETFL, O_NONBLOCK);
    return launcher::readChannel(failures, &unused) == launcher::Progress::failed;
}

bool runtimeRun(const RuntimeCommand& command, int limit_ms) {
    Fd failures;
    const pid_t pid = runtimeSpawn(command, &failures);
    if (pid < 0) return false;
    int status = 0;
    const bool in_time = awaitEnd(pid, limit_ms, &status);
    if (runtimeFailure(failures.get())) return false;
    if (!in_time) return launcher::fail("the OCI runtime's ", command.words[0], " took too long");
    return status == 0 || launcher::fail("the OCI runtime's ", command.words[0], " failed");
}

int consoleListen(const char* name) {
    struct sockaddr_un address {};
    address.sun_family = AF_UNIX;
    TextBuffer(address.sun_path, sizeof address.sun_path).add(name);
    Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener || ::chdir(g_runtime.run_dir) != 0) return launcher::failWithErrno("make a console socket"), -1;
    (void)::unlink(name);
    const mode_t mask = ::umask(0177);
    const bool bound = ::bind(listener.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address) == 0;
    (void)::umask(mask);
    (void)!::chdir("/");
    if (!bound || ::listen(listener.get(), 1) != 0) return launcher::failWithErrno("bind a console socket"), -1;
    return listener.release();
}

int consoleReceive(int listener, const char* name) {
    runFileRemove(name);
    const Fd peer(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!peer) return launcher::fail("the OCI runtime sent no terminal"), -1;
    char text[4096];
    Fd master;
    if (launcher::receiveWithFd(peer.get(), text, sizeof text, &master) <= 0 || !master)
        return launcher::fail("the OCI runtime sent no terminal"), -1;
    return master.release();
}

int runFileOpen(const char* name, int flags) { return ::open(RunPath(name).c_str(), flags | O_CLOEXEC, 0600); }

void runFileRemove(const char* name) { (void)::unlink(RunPath(name).c_str()); }

pid_t readPidFile(const char* name) {
    const Fd file(runFileOpen(name, O_RDONLY));
    char text[32];
    const ssize_t length = file ? ::read(file.get(), text, sizeof text - 1) : -1;
    text[length > 0 ? length : 0] = '\0';
    const int pid = atoi(text);
    return pid > 1 ? pid : 0;
}

bool writeWithIdentity(const plan::View& view, const plan::Process& process, const char* root, const char* const (&parts)[2],
                       const char* name) {
    static launcher::Identity identity;
    if (!launcher::resolveIdentity(view, process, &identity, root)) return false;
    const Fd file(runFileOpen(name, O_WRONLY | O_CREAT | O_TRUNC));
    if (file && writeText(file.get(), parts[0]) && writeIds(file.get(), identity) && writeText(file.get(), parts[1])) return true;
    return launcher::failWithErrno("write ", name);
}

}  // namespace davit::shim
