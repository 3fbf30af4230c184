#include "runtime/shim_client.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstring>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "linux/cgroup_tree.hpp"
#include "runtime/external_runtime.hpp"
#include "runtime/plan_compiler.hpp"
#include "runtime/shim_monitor.hpp"

namespace davit::runtime {
namespace {

using std::chrono::milliseconds;
using protocol::Type;

constexpr milliseconds kDeadline{10'000};
constexpr milliseconds kStartDeadline{90'000};
constexpr milliseconds kExecDeadline{60'000};

SystemTime timeOf(std::int64_t nanoseconds) { return SystemTime(std::chrono::nanoseconds(nanoseconds)); }

/// Go's error texts begin in lower case; clients look for "no such file or directory" and "permission denied".
std::string failureText(const protocol::Reply& reply) {
    std::string text(reply.text, ::strnlen(reply.text, sizeof reply.text));
    if (reply.error == 0) return text;
    const char* known = ::strerrordesc_np(reply.error);
    std::string cause = known != nullptr ? known : fmt::format("errno {}", reply.error);
    if (cause.size() > 1 && cause[1] >= 'a') cause[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(cause[0])));
    return text + ": " + cause;
}

/// For a container of another runtime: its own words, which it leaves in a log.
[[noreturn]] void throwExternalError(const protocol::Reply& reply, const char* prefix, const std::filesystem::path& log) {
    const std::string text = prefix + takeExternalError(log, failureText(reply));
    const int exit_code = reply.exit_code != 0 ? reply.exit_code : exitCodeOfText(text);
    throw StartError(exit_code != 128 ? Code::invalid : Code::system, text, exit_code);
}

[[noreturn]] void throwStartError(const protocol::Reply& reply, const char* prefix) {
    const std::string text = prefix + failureText(reply);
    const bool wrong_mount = text.find("not a directory: Are you trying") != std::string::npos;
    const int exit_code = reply.exit_code != 0 ? reply.exit_code : wrong_mount ? 127 : 128;
    throw StartError(exit_code != 128 ? Code::invalid : Code::system, text, exit_code);
}

void checkReply(const ShimDatagram& datagram) {
    const auto reply = datagram.as<protocol::Reply>();
    if (reply.failed == 0) return;
    const Code code = reply.error == ESRCH || reply.error == 0 ? Code::conflict : Code::system;
    throw Error(code, failureText(reply), reply.error);
}

UniqueFd planFile(const std::string& block) {
    UniqueFd fd(check(::memfd_create("davit-plan", MFD_CLOEXEC), "make a memory file"));
    writeAll(fd.get(), block);
    return fd;
}

template <typename Request>
std::string requestBytes(Type type, Request request) {
    request.message = {type, 0};
    return std::string(bytesOf(request));
}

void setExecId(char (&field)[protocol::kIdLength], const std::string& id) {
    if (id.size() >= sizeof field) throw error(Code::invalid, "the exec's id is too long: {}", id);
    std::memcpy(field, id.c_str(), id.size() + 1);
}

/// A shim of this directory's last run may still be cleaning up; a killed one has left things.
void clearRunDir(const std::filesystem::path& run_dir) {
    if (const auto old = ShimConnection::open(run_dir)) {
        old->send(bytesOf(protocol::Message{Type::release, 1}));
        while (const auto datagram = old->receive(kDeadline)) {
            if (datagram->bytes.empty()) break;
            if (datagram->message().serial != 1) continue;
            checkReply(*datagram);
            break;
        }
    }
    Shim::cleanUp(run_dir);
    std::error_code ignored;
    std::filesystem::remove(run_dir / "exit", ignored);
}

/// Those of the container's first process that it can be put into before its plan is known.
std::uint64_t waitingNamespaces(const CompiledLaunch& plan) {
    const plan::View view(plan.block.data(), plan.block.size());
    const auto launch = view.root<plan::Launch>();
    // A process enters a v2 group only at its birth.
    const bool born = linux::hostCgroupLayout().unified;
    if (born || !std::string_view(view.text(launch.external_runtime)).empty() || (launch.new_namespaces & CLONE_NEWUSER) != 0) return 0;
    return launch.new_namespaces & ~std::uint64_t{CLONE_NEWNS};
}

/// Written before the shim runs: should it be killed at any instruction, cleanUp() finds what to end.
void writeCgroupList(const std::filesystem::path& run_dir, const std::string& block) {
    const plan::View view(block.data(), block.size());
    const auto launch = view.root<plan::Launch>();
    std::string list;
    for (std::uint32_t i = 0; i < launch.cgroup_directories.count; ++i) {
        list += view.text(view.at<plan::CgroupDirectory>(launch.cgroup_directories, i).path);
        list += '\n';
    }
    writeFileAtomically(run_dir / "cgroups", list);
}

/// A shim with the plan in its hands: one that was started ahead, else a new one.
FreshShim assignedShim(ShimMonitor::Impl& monitor, const StartRequest& request, const CompiledLaunch& plan) {
    const UniqueFd file = planFile(plan.block);
    std::vector<int> fds{file.get()};
    for (const Attachment& client : request.attachments) fds.push_back(client.socket.get());
    const protocol::Message launch{Type::launch, 0};
    while (std::optional<FreshShim> ready = monitor.takeReady(waitingNamespaces(plan))) {
        try {
            ready->connection.send(bytesOf(launch), fds);
            return std::move(*ready);
        } catch (const Error& failure) {  // somebody has ended it
            if (failure.code() != Code::unavailable) throw;
        }
    }
    FreshShim fresh = monitor.spawn(request.id, 0);
    fresh.connection.send(bytesOf(launch), fds);
    return fresh;
}

/// The first datagram that isn't a warning.
protocol::Reply awaitStarted(const ShimConnection& connection, const StartRequest& request) {
    while (true) {
        const auto datagram = connection.receive(kStartDeadline);
        if (!datagram) throw Error(Code::deadline, "the container didn't start in time");
        if (datagram->bytes.empty()) throw Error(Code::unavailable, "the shim ended before the container started");
        const auto reply = datagram->as<protocol::Reply>();
        if (reply.message.type == Type::started) return reply;
        if (reply.message.type == Type::failed && !request.external_runtime.empty())
            throwExternalError(reply, "failed to create task for container: failed to create shim task: OCI runtime create failed: ",
                               request.run_dir / "create.log");
        if (reply.message.type == Type::failed)
            throwStartError(reply, "failed to create task for container: OCI runtime create failed: unable to start "
                                   "container process: ");
    }
}

std::int64_t numberOf(std::string_view text, std::string_view key) {
    const std::size_t at = text.find(key);
    if (at == std::string_view::npos) return 0;
    return std::strtoll(std::string(text.substr(at + key.size())).c_str(), nullptr, 10);
}

}  // namespace

std::shared_ptr<Shim> Shim::start(ShimMonitor& monitor, StartRequest request, ShimEvents events) {
    ShimMonitor::Impl& inside = monitor.impl();
    const ShimMonitor::Impl::Start start(inside);
    makeDirectories(request.run_dir, 0700);
    clearRunDir(request.run_dir);
    std::optional<ExternalLaunch> external;
    if (!request.external_runtime.empty()) external = prepareExternal(request);
    const CompiledLaunch plan = compileLaunch({.spec = external ? &external->spec : &request.spec,
                                               .id = request.id,
                                               .run_dir = request.run_dir,
                                               .root_mounts = &request.root_mounts,
                                               .mode = plan::Mode::shim,
                                               .open_stdin = request.open_stdin,
                                               .stdin_once = request.stdin_once,
                                               .log = &request.log,
                                               .attachments = &request.attachments,
                                               .start_fifo = {},
                                               .console_socket = {},
                                               .external_runtime = external ? external->program : "",
                                               .external_config = external ? &external->config : nullptr,
                                               .runtime_args = &request.runtime_args},
                                              {&linux::hostCgroupLayout(), &inside.seccomp});
    writeCgroupList(request.run_dir, plan.block);
    FreshShim shim = assignedShim(inside, request, plan);
    auto impl = std::make_shared<Impl>(std::move(shim.connection), request.run_dir, std::move(events));
    impl->process = std::move(shim.process);
    impl->external = external.has_value();
    impl->seccomp = seccompFile(plan.seccomp.get());  // for the processes to come; written while the shim is at work
    if (!impl->seccomp.empty()) writeFileAtomically(request.run_dir / "seccomp", impl->seccomp);
    impl->pid = awaitStarted(impl->connection, request).pid;
    inside.add(impl);
    return std::make_shared<Shim>(std::move(impl));
}

std::shared_ptr<Shim> Shim::reconnect(ShimMonitor& monitor, const std::filesystem::path& run_dir, ShimEvents events) {
    std::optional<ShimConnection> connection = ShimConnection::open(run_dir);
    if (!connection) return nullptr;
    auto impl = std::make_shared<Impl>(std::move(*connection), run_dir, std::move(events));
    try {
        impl->connection.send(bytesOf(protocol::Message{Type::state, 0xfffffffeU}));
    } catch (const Error&) {
        return nullptr;
    }
    std::optional<ShimDatagram> answer;
    do answer = impl->connection.receive(kDeadline);
    while (answer && !answer->bytes.empty() && answer->message().type != Type::state_reply);
    if (!answer || answer->bytes.empty()) return nullptr;
    const auto state = answer->as<protocol::StateReply>();
    impl->pid = state.pid;
    impl->seccomp = readFile(run_dir / "seccomp").value_or("");
    impl->external = startedByExternal(run_dir);
    monitor.impl().add(impl);
    auto shim = std::make_shared<Shim>(impl);
    // The monitor's thread tells; here only the fact is put where it will read it: the shim repeats it on request.
    if (!state.running) impl->tell(std::string(bytesOf(protocol::Message{Type::state, 0})));
    return shim;
}

std::optional<ExitInfo> Shim::readExit(const std::filesystem::path& run_dir) {
    const std::optional<std::string> text = readFile(run_dir / "exit");
    if (!text || text->find("time=") == std::string::npos) return std::nullopt;
    return ExitInfo{static_cast<int>(numberOf(*text, "code=")), numberOf(*text, "oom=") != 0, timeOf(numberOf(*text, "time="))};
}

void Shim::cleanUp(const std::filesystem::path& run_dir) {
    const std::optional<std::string> list = readFile(run_dir / "cgroups");
    if (!list) return;
    deleteExternal(run_dir);
    for (std::size_t at = 0; at < list->size();) {
        const std::size_t end = std::min(list->find('\n', at), list->size());
        const std::string directory = list->substr(at, end - at);
        at = end + 1;
        for (int attempt = 0; attempt < 200 && !directory.empty() && !linux::endCgroup(directory); ++attempt)
            std::this_thread::sleep_for(milliseconds(5));
    }
    std::error_code ignored;
    for (const char* name : {"cgroups", "shim.sock", "seccomp", "rootfs"}) std::filesystem::remove(run_dir / name, ignored);
}

Shim::Shim(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Shim::~Shim() {
    impl_->silence();
    if (!impl_->exitInfo() && impl_->monitor != nullptr) impl_->monitor->remove(*impl_);
}

pid_t Shim::pid() const noexcept { return impl_->pid; }

ShimState Shim::state() {
    const auto reply = impl_->ask(std::string(bytesOf(protocol::Message{Type::state, 0})), {}, kDeadline).as<protocol::StateReply>();
    ShimState state;
    state.pid = reply.pid;
    state.running = reply.running != 0;
    state.paused = reply.paused != 0;
    state.started_at = timeOf(reply.started_ns);
    state.log_errors = reply.log_errors;
    if (!state.running) state.exit = ExitInfo{reply.exit_code, reply.oom != 0, timeOf(reply.finished_ns)};
    for (int i = 0; i < reply.exec_count; ++i)
        state.running_execs.emplace_back(reply.execs[i], ::strnlen(reply.execs[i], protocol::kIdLength));
    return state;
}

void Shim::attach(Attachment client) {
    auto request = std::make_unique<protocol::AttachRequest>();
    request->message.type = Type::attach;
    request->streams = (client.options.stdin_ ? 1U : 0U) | (client.options.stdout_ ? 2U : 0U) | (client.options.stderr_ ? 4U : 0U);
    request->framed = client.options.multiplexed;
    const std::string keys = parseDetachKeys(client.options.detach_keys);
    request->keys_length = static_cast<std::uint32_t>(std::min(keys.size(), sizeof request->keys - 1));
    std::memcpy(request->keys, keys.data(), request->keys_length);
    if (client.early.size() > sizeof request->early) throw error(Code::invalid, "too much input before the attach");
    request->early_length = static_cast<std::uint32_t>(client.early.size());
    std::memcpy(request->early, client.early.data(), client.early.size());
    const std::size_t length = offsetof(protocol::AttachRequest, early) + client.early.size();
    checkReply(impl_->ask(std::string(bytesOf(*request).substr(0, length)), {client.socket.get()}, kDeadline));
}

void Shim::resize(unsigned rows, unsigned columns) { resizeExec("", rows, columns); }

void Shim::resizeExec(const std::string& exec_id, unsigned rows, unsigned columns) {
    protocol::ResizeRequest request;
    request.rows = rows;
    request.columns = columns;
    setExecId(request.exec_id, exec_id);
    checkReply(impl_->ask(requestBytes(Type::resize, request), {}, kDeadline));
}

void Shim::kill(int signal) { killExec("", signal); }

void Shim::killExec(const std::string& exec_id, int signal) {
    protocol::SignalRequest request;
    request.signal = signal;
    setExecId(request.exec_id, exec_id);
    checkReply(impl_->ask(requestBytes(Type::signal, request), {}, kDeadline));
}

void Shim::pause() {
    protocol::FreezeRequest request;
    request.frozen = 1;
    checkReply(impl_->ask(requestBytes(Type::freeze, request), {}, kDeadline));
}

void Shim::resume() { checkReply(impl_->ask(requestBytes(Type::freeze, protocol::FreezeRequest{}), {}, kDeadline)); }

pid_t Shim::exec(ExecRequest request) {
    std::optional<SplitJson> external;
    if (impl_->external) external = externalProcess(request.process);
    const std::string block = compileExec({.process = &request.process,
                                           .exec_id = request.exec_id,
                                           .open_stdin = request.open_stdin,
                                           .attachment = request.attachment ? &*request.attachment : nullptr,
                                           .seccomp = impl_->seccomp,
                                           .external = external ? &*external : nullptr});
    if (request.exec_id.size() >= protocol::kIdLength) throw error(Code::invalid, "the exec's id is too long");
    const UniqueFd plan = planFile(block);
    std::vector<int> fds{plan.get()};
    if (request.attachment) fds.push_back(request.attachment->socket.get());
    const auto reply =
        impl_->ask(std::string(bytesOf(protocol::Message{Type::exec, 0})), fds, kExecDeadline).as<protocol::Reply>();
    if (reply.failed != 0 && external)
        throwExternalError(reply, "OCI runtime exec failed: ", impl_->run_dir / fmt::format("exec-{}.log", request.exec_id));
    if (reply.failed != 0)
        throwStartError(reply, "OCI runtime exec failed: exec failed: unable to start container process: ");
    return reply.pid;
}

void Shim::release() {
    if (!impl_->exitInfo()) throw Error(Code::conflict, "the container is running");
    try {
        checkReply(impl_->ask(std::string(bytesOf(protocol::Message{Type::release, 0})), {}, kDeadline));
    } catch (const Error& failure) {
        if (failure.code() != Code::unavailable) throw;  // gone: then it has cleaned up
    }
}

}  // namespace davit::runtime
