#include "runtime/shim_monitor.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "linux/memfd.hpp"

namespace davit::runtime {
namespace {

using std::chrono::milliseconds;

/// A clean-up while another container starts makes that start slower: it waits, but not for ever.
constexpr milliseconds kReleaseDelay{20};
constexpr milliseconds kLongestReleaseDelay{1000};
/// A start's reply, and a short program's end, come first.
constexpr milliseconds kRefillDelay{3};
/// After a failure, which others may mend meanwhile.
constexpr milliseconds kRefillPause{1000};
constexpr std::size_t kShownLength = 64;  // of the ids that it is replaced by
/// What containers on a bridge have: they join the network namespace that their sandbox is.
constexpr std::uint64_t kUsualNamespaces = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
/// Containers with and without a network of their own come in turn; more kinds at a time are rare.
constexpr std::size_t kKinds = 2;

SystemTime timeOf(std::int64_t nanoseconds) { return SystemTime(std::chrono::nanoseconds(nanoseconds)); }

}  // namespace

Shim::Impl::Impl(ShimConnection link, std::filesystem::path directory, ShimEvents events)
    : connection(std::move(link)), run_dir(std::move(directory)), events_(std::move(events)) {}

ShimDatagram Shim::Impl::ask(std::string datagram, const std::vector<int>& fds, milliseconds timeout) {
    const SteadyTime deadline = std::chrono::steady_clock::now() + timeout;
    std::uint32_t serial = 0;
    {
        const Lock lock(mutex_);
        if (gone_) throw Error(Code::unavailable, "the container's shim is gone");
        serial = ++last_serial_;
        answers_[serial] = std::nullopt;
    }
    std::memcpy(datagram.data() + offsetof(protocol::Message, serial), &serial, sizeof serial);
    const auto forget = [&] {
        const Lock lock(mutex_);
        answers_.erase(serial);
    };
    try {
        connection.send(datagram, fds);
    } catch (...) {
        forget();
        throw;
    }
    const Lock lock(mutex_);
    while (!answers_[serial] && !gone_)
        if (answered_.wait_until(mutex_, deadline) == std::cv_status::timeout) break;
    const std::optional<ShimDatagram> answer = std::move(answers_[serial]);
    answers_.erase(serial);
    if (answer) return *answer;
    if (gone_) throw Error(Code::unavailable, "the container's shim is gone");
    throw Error(Code::deadline, "the container's shim didn't answer in time");
}

void Shim::Impl::tell(std::string datagram) {
    try {
        connection.send(datagram);
    } catch (const Error&) {  // gone: its connection's end says so too
    }
}

bool Shim::Impl::readAll() {
    while (true) {
        const std::optional<ShimDatagram> datagram = connection.receive(milliseconds(0));
        if (!datagram) return true;
        if (datagram->bytes.empty()) return false;
        handle(*datagram);
    }
}

void Shim::Impl::handle(const ShimDatagram& datagram) {
    const protocol::Message message = datagram.message();
    if (message.serial == 0) return handleEvent(datagram);
    const Lock lock(mutex_);
    const auto waiting = answers_.find(message.serial);
    if (waiting == answers_.end()) return;
    waiting->second = datagram;
    answered_.notify_all();
}

void Shim::Impl::handleEvent(const ShimDatagram& datagram) {
    const auto event = datagram.as<protocol::Exit>();
    if (event.message.type == protocol::Type::exited) {
        markExited({event.code, event.oom != 0, timeOf(event.time_ns)});
        acknowledge(event);
        return;
    }
    if (event.message.type == protocol::Type::state_reply) {  // asked for by reconnect()
        const auto state = datagram.as<protocol::StateReply>();
        if (!state.running) markExited({state.exit_code, state.oom != 0, timeOf(state.finished_ns)});
        return;
    }
    if (silent_) return;
    const std::string exec_id(event.exec_id, ::strnlen(event.exec_id, sizeof event.exec_id));
    if (event.message.type == protocol::Type::oom && events_.oom) events_.oom();
    if (event.message.type == protocol::Type::exec_exited) {
        if (events_.exec_exited) events_.exec_exited(exec_id, event.code);
        acknowledge(event);
    }
    if (event.message.type == protocol::Type::detached && events_.detached) events_.detached(exec_id);
}

void Shim::Impl::acknowledge(const protocol::Exit& event) {
    protocol::AckRequest request;
    request.message.type = protocol::Type::ack;
    std::memcpy(request.exec_id, event.exec_id, sizeof request.exec_id);
    tell(std::string(bytesOf(request)));
}

void Shim::Impl::markExited(const ExitInfo& exit) {
    {
        const Lock lock(mutex_);
        if (exit_) return;
        exit_ = exit;
    }
    if (!silent_ && events_.exited) events_.exited(exit);
    if (monitor != nullptr) monitor->scheduleRelease(*this);
}

void Shim::Impl::connectionEnded() {
    {
        const Lock lock(mutex_);
        gone_ = true;
        answered_.notify_all();
    }
    if (process) (void)process->wait(milliseconds(1000));
    if (exitInfo()) return;
    // The shim itself was killed: what it had written counts, else its container dies of the same signal.
    std::optional<ExitInfo> left = Shim::readExit(run_dir);
    Shim::cleanUp(run_dir);
    markExited(left ? *left : ExitInfo{137, false, now()});
}

std::optional<ExitInfo> Shim::Impl::exitInfo() const {
    const Lock lock(mutex_);
    return exit_;
}

ShimMonitor::Impl::Impl(ShimSettings given)
    : settings(std::move(given)),
      program(linux::sealedProgram(settings.shim_binary)),
      null_device(openFile("/dev/null", O_RDWR)),
      seccomp(settings.seccomp_cache),
      epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "make an epoll instance")),
      wake_(check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "make an event descriptor")),
      kinds_{kUsualNamespaces} {
    struct epoll_event event {};
    event.events = EPOLLIN;
    check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event), "watch the event descriptor");
    thread_ = std::thread([this] { run(); });
}

ShimMonitor::Impl::~Impl() {
    stop_ = true;
    wake();
    thread_.join();
    const Lock lock(mutex_);
    for (auto& [key, entry] : entries_)
        if (entry.shim->process) entry.shim->process->release();
}

void ShimMonitor::Impl::wake() const {
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
}

void ShimMonitor::Impl::add(const std::shared_ptr<Shim::Impl>& shim) {
    struct epoll_event event {};
    event.events = EPOLLIN;
    {
        const Lock lock(mutex_);
        shim->monitor = this;
        shim->key = event.data.u64 = ++last_key_;
        entries_[shim->key] = {shim, false, false, {}};
    }
    check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, shim->connection.fd(), &event), "watch the shim in {}",
          shim->run_dir.string());
}

void ShimMonitor::Impl::remove(const Shim::Impl& shim) {
    std::shared_ptr<Shim::Impl> last;  // destroyed after the lock
    const Lock lock(mutex_);
    const auto entry = entries_.find(shim.key);
    if (entry == entries_.end()) return;
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, shim.connection.fd(), nullptr);
    if (entry->second.exited && !entry->second.released) --unreleased_;
    if (entry->second.shim->process) entry->second.shim->process->release();
    last = std::move(entry->second.shim);
    entries_.erase(entry);
}

void ShimMonitor::Impl::scheduleRelease(const Shim::Impl& shim) {
    const Lock lock(mutex_);
    const auto entry = entries_.find(shim.key);
    if (entry == entries_.end() || entry->second.exited) return;
    entry->second.exited = true;
    entry->second.exited_at = std::chrono::steady_clock::now();
    ++unreleased_;
    wake();
}

int ShimMonitor::Impl::nextTimeout() {
    const Lock lock(mutex_);
    if (missingKind() && starts_ == 0) return static_cast<int>(kRefillDelay.count());
    return unreleased_ == 0 ? -1 : static_cast<int>(kReleaseDelay.count());
}

ShimMonitor::Impl::Start::~Start() {
    {
        const Lock lock(monitor_.mutex_);
        monitor_.last_start_ = std::chrono::steady_clock::now();
        --monitor_.starts_;
    }
    monitor_.wake();
}

FreshShim ShimMonitor::Impl::spawn(const std::string& shown, std::uint64_t namespaces) const {
    int pair[2];
    check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "make a socket pair");
    ShimConnection ours{UniqueFd(pair[0])};
    const UniqueFd theirs(pair[1]);
    SpawnOptions options{.program = "/proc/self/fd/3", .args = {"davit-shim", shown}, .env = {}, .inherit = {program.get(), theirs.get()}};
    if (namespaces != 0) options.args.push_back(std::to_string(namespaces));
    options.new_session = true;
    options.stderr_fd = null_device.get();  // ours may be a pipe that somebody waits to see the end of
    return {std::move(ours), ChildProcess::spawn(options), namespaces};
}

std::optional<FreshShim> ShimMonitor::Impl::takeReady(std::uint64_t namespaces) {
    std::vector<FreshShim> outdated;  // they end after the lock
    const Lock lock(mutex_);
    std::erase(kinds_, namespaces);
    kinds_.insert(kinds_.begin(), namespaces);
    if (kinds_.size() > kKinds) kinds_.pop_back();
    if (ready_.empty()) return std::nullopt;
    const auto fits = std::find_if(ready_.begin(), ready_.end(), [&](const FreshShim& one) { return one.namespaces == namespaces; });
    const auto taken = fits != ready_.end() ? fits : ready_.begin();
    FreshShim shim = std::move(*taken);
    ready_.erase(taken);
    const auto unwanted = std::partition(ready_.begin(), ready_.end(), [this](const FreshShim& one) {
        mutex_.assertHeld();
        return std::find(kinds_.begin(), kinds_.end(), one.namespaces) != kinds_.end();
    });
    std::move(unwanted, ready_.end(), std::back_inserter(outdated));
    ready_.erase(unwanted, ready_.end());
    return shim;
}

std::optional<std::uint64_t> ShimMonitor::Impl::missingKind() const {
    for (const std::uint64_t kind : kinds_) {
        const auto count = std::count_if(ready_.begin(), ready_.end(), [kind](const FreshShim& one) { return one.namespaces == kind; });
        if (static_cast<std::size_t>(count) < settings.prepared) return kind;
    }
    return std::nullopt;
}

/// One at a time: the next is made when that one's process has come to rest.
void ShimMonitor::Impl::refill() {
    std::uint64_t namespaces = 0;
    {
        const Lock lock(mutex_);
        const std::optional<std::uint64_t> kind = missingKind();
        if (!kind || starts_ > 0 || std::chrono::steady_clock::now() - last_start_ < kRefillDelay) return;
        namespaces = *kind;
    }
    try {
        FreshShim fresh = spawn(std::string(kShownLength, '-'), namespaces);
        const Lock lock(mutex_);
        ready_.push_back(std::move(fresh));
    } catch (const Error& failure) {  // no memory, no processes: starts do without
        log::warning("start a shim ahead: {}", failure.text());
        const Lock lock(mutex_);
        last_start_ = std::chrono::steady_clock::now() + kRefillPause;
    }
}

void ShimMonitor::Impl::run() {
    struct epoll_event events[64];
    while (!stop_) {
        const int count = ::epoll_wait(epoll_.get(), events, 64, nextTimeout());
        for (int i = 0; i < count; ++i) {
            std::uint64_t ignored = 0;
            if (events[i].data.u64 == 0) (void)!::read(wake_.get(), &ignored, sizeof ignored);
            else serve(events[i].data.u64);
        }
        releaseExited();
        refill();
    }
}

void ShimMonitor::Impl::serve(std::uint64_t key) {
    std::shared_ptr<Shim::Impl> shim;
    {
        const Lock lock(mutex_);
        const auto entry = entries_.find(key);
        if (entry == entries_.end()) return;
        shim = entry->second.shim;
    }
    if (shim->readAll()) return;
    shim->connectionEnded();
    remove(*shim);
}

void ShimMonitor::Impl::releaseExited() {
    std::vector<std::shared_ptr<Shim::Impl>> ready;
    {
        const Lock lock(mutex_);
        if (unreleased_ == 0) return;
        const SteadyTime time = std::chrono::steady_clock::now();
        for (auto& [key, entry] : entries_) {
            if (!entry.exited || entry.released) continue;
            const auto age = time - entry.exited_at;
            if (age < kReleaseDelay || (starts_ > 0 && age < kLongestReleaseDelay)) continue;
            entry.released = true;
            --unreleased_;
            ready.push_back(entry.shim);
        }
    }
    for (const std::shared_ptr<Shim::Impl>& shim : ready)
        shim->tell(std::string(bytesOf(protocol::Message{protocol::Type::release, 0xffffffffU})));
}

ShimMonitor::ShimMonitor(ShimSettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
ShimMonitor::~ShimMonitor() = default;

}  // namespace davit::runtime
