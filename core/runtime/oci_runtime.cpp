#include "runtime/oci_runtime.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/process.hpp"
#include "linux/memfd.hpp"
#include "runtime/oci_hooks.hpp"
#include "runtime/plan_compiler.hpp"
#include "runtime/shim_connection.hpp"

namespace davit::runtime {
namespace {

using std::chrono::milliseconds;
namespace fs = std::filesystem;

constexpr milliseconds kLaunchDeadline{90'000};

/// Field 22 of /proc/PID/stat; 0 when the process has ended.
std::uint64_t startTime(pid_t pid) {
    const std::string stat = readFile(fmt::format("/proc/{}/stat", pid)).value_or("");
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos || stat[name_end + 2] == 'Z') return 0;
    std::size_t at = name_end + 2;
    for (int field = 3; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
    return at == std::string::npos ? 0 : std::strtoull(stat.c_str() + at, nullptr, 10);
}

void checkId(const std::string& id) {
    const auto allowed = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || std::strchr("_+-.", c) != nullptr; };
    if (id.empty() || id == "." || id == ".." || id.size() > 1024 || !std::all_of(id.begin(), id.end(), allowed))
        throw error(Code::invalid, "invalid container ID format: {}", id);
}

std::uint64_t namespacesOf(const oci::RuntimeSpec& spec) {
    static const std::map<std::string, std::uint64_t> kFlags{
        {"pid", CLONE_NEWPID}, {"network", CLONE_NEWNET}, {"mount", CLONE_NEWNS},     {"ipc", CLONE_NEWIPC},
        {"uts", CLONE_NEWUTS}, {"user", CLONE_NEWUSER},   {"cgroup", CLONE_NEWCGROUP}};
    std::uint64_t flags = 0;
    for (const oci::Namespace& entry : spec.os.namespaces)
        if (const auto flag = kFlags.find(entry.type); flag != kFlags.end()) flags |= flag->second;
    return flags;
}

OciState readState(const fs::path& file, const std::string& id) {
    const std::optional<std::string> text = readFile(file);
    if (!text) throw error(Code::not_found, "container \"{}\" does not exist", id);
    const json::Document document = json::Document::parse(*text);
    const json::Value root = document.root();
    OciState state;
    state.id = root["id"].string();
    state.pid = static_cast<pid_t>(root["pid"].integer());
    state.bundle = root["bundle"].string();
    state.annotations = root["annotations"].stringMap();
    state.created = root["created"].string();
    state.start_time = root["davit"]["startTime"].unsignedInteger();
    state.namespaces = root["davit"]["namespaces"].unsignedInteger();
    state.cgroups = root["davit"]["cgroups"].strings();
    return state;
}

UniqueFd memory(const std::string& content) {
    UniqueFd fd(check(::memfd_create("davit-plan", MFD_CLOEXEC), "make a memory file"));
    writeAll(fd.get(), content);
    return fd;
}

std::string lowerFirst(std::string text) {
    if (text.size() > 1 && text[1] >= 'a') text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return text;
}

void writePidFile(const fs::path& file, pid_t pid) {
    if (!file.empty()) writeFileAtomically(file, std::to_string(pid), 0644);
}

/// A spec has ids only; looked up like `-u 1000:1000` the user's HOME is found, as other runtimes do.
void nameUser(oci::Process& process) {
    constexpr std::uint32_t kHighest = 0x7fffffff;
    oci::User& user = process.user;
    if (user.username.empty() && user.uid <= kHighest && user.gid <= kHighest)
        user.username = fmt::format("{}:{}", user.uid, user.gid);
}

/// The state for the hooks that run inside; its end is added there.
std::string hookState(const OciState& state) {
    json::Writer out;
    out.object([&] {
        out.member("ociVersion", "1.2.0").member("id", state.id).member("bundle", state.bundle.string());
        out.member("annotations", state.annotations);
    });
    std::string text = out.take();
    text.pop_back();
    return text;
}

oci::RuntimeSpec loadSpec(const fs::path& bundle) {
    const std::optional<std::string> text = readFile(bundle / "config.json", 16U << 20);
    if (!text) throw error(Code::not_found, "open {}: no such file or directory", (bundle / "config.json").string());
    oci::RuntimeSpec spec = oci::parseRuntimeSpec(*text);
    nameUser(spec.process);
    if (!spec.root.path.starts_with('/')) spec.root.path = (bundle / spec.root.path).lexically_normal().string();
    for (oci::Mount& mount : spec.mounts)
        if (mount.type == "bind" && !mount.source.starts_with('/')) mount.source = (bundle / mount.source).string();
    return spec;
}

}  // namespace

std::string writeOciState(const OciState& state) {
    json::Writer out;
    out.object([&] {
        out.member("ociVersion", "1.2.0").member("id", state.id).member("status", state.status).member("pid", state.pid);
        out.member("bundle", state.bundle.string()).member("annotations", state.annotations);
        out.member("created", state.created);
        out.object("davit", [&] {
            out.member("startTime", state.start_time).member("namespaces", state.namespaces).member("cgroups", state.cgroups);
        });
    });
    return out.take();
}

bool OciRuntime::wantsTerminal(const fs::path& bundle) { return loadSpec(bundle).process.terminal; }

OciRuntime::OciRuntime(fs::path root, fs::path shim) : root_(std::move(root)), shim_(std::move(shim)) {}

fs::path OciRuntime::directory(const std::string& id) const {
    checkId(id);
    return root_ / id;
}

pid_t OciRuntime::launch(const std::string& plan) const {
    const UniqueFd program = linux::sealedProgram(shim_);
    const UniqueFd plan_fd = memory(plan);
    int pair[2];
    check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "make a socket pair");
    const ShimConnection ours{UniqueFd(pair[0])};
    UniqueFd theirs(pair[1]);
    auto launcher = ChildProcess::spawn({.program = "/proc/self/fd/3",
                                         .args = {"davit-shim"},
                                         .env = {},
                                         .stdin_fd = 0,
                                         .stdout_fd = 1,
                                         .stderr_fd = 2,
                                         .inherit = {program.get(), theirs.get()}});
    ours.send(bytesOf(protocol::Message{protocol::Type::launch, 0}), {plan_fd.get()});
    theirs.reset();
    const auto datagram = ours.receive(kLaunchDeadline);
    if (!datagram) throw Error(Code::deadline, "the container didn't start in time");
    (void)launcher.wait();
    if (datagram->bytes.empty()) throw Error(Code::unavailable, "the launcher ended without an answer");
    const auto reply = datagram->as<protocol::Reply>();
    if (reply.failed == 0) return reply.pid;
    std::string text = fmt::format("unable to start container process: {}", reply.text);
    if (reply.error != 0) text += ": " + lowerFirst(::strerrordesc_np(reply.error));
    throw Error(Code::system, text, reply.error);
}

OciState OciRuntime::create(const Create& request) {
    const fs::path home = directory(request.id);
    const oci::RuntimeSpec spec = loadSpec(request.bundle);
    if (spec.process.terminal && request.console_socket.empty())
        throw Error(Code::invalid, "cannot allocate tty if runtime will detach without setting console socket");
    makeDirectories(root_, 0711);
    if (::mkdir(home.c_str(), 0711) != 0) {
        if (errno == EEXIST) throw error(Code::conflict, "container with given ID already exists");
        throw Error::system("make " + home.string(), errno);
    }
    Defer undo([&] { removeTree(home); });
    check(::mkfifo((home / "start").c_str(), 0622), "make {}", (home / "start").string());
    linux::SeccompCompiler seccomp(root_ / ".seccomp");
    OciState state;
    state.id = request.id;
    state.bundle = request.bundle;
    state.annotations = spec.annotations;
    const CompiledLaunch plan = compileLaunch({.spec = &spec,
                                               .id = request.id,
                                               .run_dir = home,
                                               .root_mounts = nullptr,
                                               .mode = plan::Mode::launch,
                                               .log = nullptr,
                                               .attachments = nullptr,
                                               .start_fifo = home / "start",
                                               .console_socket = request.console_socket,
                                               .external_runtime = {},
                                               .hook_state = hookState(state)},
                                              {&linux::hostCgroupLayout(), &seccomp});
    state.namespaces = namespacesOf(spec);
    const std::string path = spec.os.cgroups_path.empty() ? "/davit/" + request.id : spec.os.cgroups_path;
    for (const linux::CgroupHierarchy& hierarchy : linux::hostCgroupLayout().hierarchies)
        state.cgroups.push_back(cgroupDirectory(hierarchy, path));
    state.created = formatRfc3339(now());
    state.pid = launch(plan.block);
    state.start_time = startTime(state.pid);
    state.status = "created";
    Defer stop([&] { (void)::kill(state.pid, SIGKILL); });
    writeFileAtomically(home / "seccomp", seccompFile(plan.seccomp.get()));
    writeFileAtomically(home / "process.json", oci::writeProcess(spec.process));
    writeFileAtomically(home / "hooks.json", oci::writeRuntimeSpec({.process = {}, .hooks = spec.hooks}));
    runHooks(spec.hooks.prestart, writeOciState(state));
    runHooks(spec.hooks.create_runtime, writeOciState(state));
    writeFileAtomically(home / "state.json", writeOciState(state));
    writePidFile(request.pid_file, state.pid);
    stop.dismiss();
    undo.dismiss();
    return state;
}

OciState OciRuntime::state(const std::string& id) const {
    const fs::path home = directory(id);
    OciState state = readState(home / "state.json", id);
    const bool lives = state.pid > 0 && startTime(state.pid) == state.start_time && state.start_time != 0;
    if (!lives) state.pid = 0;
    state.status = !lives ? "stopped" : fs::exists(home / "start") ? "created" : pausedStatus(state);
    return state;
}

void OciRuntime::start(const std::string& id) {
    const OciState current = state(id);
    if (current.status == "stopped") throw Error(Code::conflict, "cannot start a container that has stopped");
    if (current.status != "created") throw Error(Code::conflict, "cannot start an already running container");
    const fs::path home = directory(id);
    // Renaming decides between two starters.
    if (::rename((home / "start").c_str(), (home / "started").c_str()) != 0)
        throw Error(Code::conflict, "cannot start an already running container");
    const UniqueFd fifo = openFile(home / "started", O_WRONLY | O_NONBLOCK);
    writeAll(fifo.get(), "s");
    const oci::RuntimeSpec holder = oci::parseRuntimeSpec(readFile(home / "hooks.json").value_or(R"({"ociVersion":"1.2.0"})"));
    OciState running = current;
    running.status = "running";
    runHooks(holder.hooks.poststart, writeOciState(running));
}

void OciRuntime::kill(const std::string& id, int signal, bool all) {
    const OciState current = state(id);
    if (current.pid == 0) throw Error(Code::conflict, "container not running");
    const UniqueFd pidfd(check(static_cast<int>(::syscall(SYS_pidfd_open, current.pid, 0)), "open process {}", current.pid));
    // The pid may have been reused between the two: the descriptor is what is signalled, so it is looked at again.
    if (startTime(current.pid) != current.start_time) throw Error(Code::conflict, "container not running");
    check(::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0), "signal process {}", current.pid);
    if (!all || current.cgroups.empty()) return;
    const std::string pids = readFile(current.cgroups.front() + "/cgroup.procs").value_or("");
    for (std::size_t at = 0; at < pids.size(); at = pids.find('\n', at) + 1) {
        const int pid = std::atoi(pids.c_str() + at);
        if (pid > 1 && pid != current.pid) (void)::kill(pid, signal);
        if (pids.find('\n', at) == std::string::npos) break;
    }
}

void OciRuntime::remove(const std::string& id, bool force) {
    const fs::path home = directory(id);
    OciState current;
    try {
        current = state(id);
    } catch (const Error& failure) {
        if (failure.code() != Code::not_found || !force) throw;
        return;
    }
    if ((current.status == "running" || current.status == "paused") && !force)
        throw error(Code::conflict, "cannot delete container {} that is not stopped: {}", id, current.status);
    if (current.status == "paused") freeze(id, false);  // a frozen process doesn't die
    if (current.pid != 0) {
        (void)::kill(current.pid, SIGKILL);
        for (int i = 0; i < 1000 && startTime(current.pid) == current.start_time; ++i) ::usleep(5000);
    }
    std::string list;
    for (const std::string& cgroup : current.cgroups) list += cgroup + "\n";
    writeFileAtomically(home / "cgroups", list);
    Shim::cleanUp(home);
    const oci::RuntimeSpec holder = oci::parseRuntimeSpec(readFile(home / "hooks.json").value_or(R"({"ociVersion":"1.2.0"})"));
    removeTree(home);
    current.status = "stopped";
    runHooks(holder.hooks.poststop, writeOciState(current));
}

oci::Process OciRuntime::containerProcess(const std::string& id) const {
    const std::optional<std::string> text = readFile(directory(id) / "process.json");
    if (!text) throw error(Code::not_found, "container \"{}\" does not exist", id);
    return oci::parseProcess(*text);
}

pid_t OciRuntime::exec(const Exec& request) {
    const OciState current = state(request.id);
    if (current.status != "running") throw error(Code::conflict, "cannot exec in a {} container", current.status);
    const std::string seccomp = readFile(directory(request.id) / "seccomp").value_or("");
    oci::Process process = request.process;
    nameUser(process);
    const pid_t pid = launch(compileJoin({.process = &process,
                                          .pid = current.pid,
                                          .namespaces = current.namespaces,
                                          .cgroups = current.cgroups,
                                          .seccomp = seccomp,
                                          .console_socket = request.console_socket}));
    writePidFile(request.pid_file, pid);
    return pid;
}

}  // namespace davit::runtime
