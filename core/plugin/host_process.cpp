#include "plugin/host_process.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.hpp"
#include "davit/wire.hpp"

namespace davit::plugin {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds kFirstPause = 100ms;
constexpr auto kHealthyAfter = 30s;  // a life this long makes the next pause short again
constexpr milliseconds kOpenTimeout = 30s;

std::string describe(const ExitStatus& status) {
    if (status.signal != 0) return fmt::format("ended by signal {} ({})", status.signal, ::strsignal(status.signal));
    return fmt::format("ended with exit code {}", status.code);
}

}  // namespace

HostProcess::HostProcess(HostProcessOptions options)
    : options_(std::move(options)), stop_(check(::eventfd(0, EFD_CLOEXEC), "make an eventfd")) {
    thread_ = std::thread([this] {
        try {
            supervise();
        } catch (const std::exception& e) {  // a thread's entry
            set(DriverState::dead, e.what());
        }
    });
}

HostProcess::~HostProcess() {
    (void)::eventfd_write(stop_.get(), 1);  // can't fail: the counter is far from full
    thread_.join();
    (void)::unlink(options_.socket.c_str());  // the child may have removed it
}

pid_t HostProcess::waitReady(milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const Lock lock(mutex_);
    while (state_ != DriverState::loaded) {
        if (refusal_) throw Error(*refusal_);
        if (changed_.wait_until(mutex_, deadline) == std::cv_status::timeout && state_ != DriverState::loaded)
            throw error(Code::unavailable, "driver {} of {}: {}", options_.driver, options_.file.native(),
                        reason_.empty() ? "its process isn't ready" : reason_);
    }
    return pid_.value_or(-1);
}

void HostProcess::awaitEndOf(pid_t pid, milliseconds timeout) const {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const Lock lock(mutex_);
    while (state_ == DriverState::loaded && pid_ == pid)
        if (changed_.wait_until(mutex_, deadline) == std::cv_status::timeout) return;
}

DriverState HostProcess::state() const {
    const Lock lock(mutex_);
    return state_;
}

std::string HostProcess::reason() const {
    const Lock lock(mutex_);
    return reason_;
}

std::optional<pid_t> HostProcess::pid() const {
    const Lock lock(mutex_);
    return pid_;
}

void HostProcess::set(DriverState state, std::string reason, std::optional<pid_t> pid) {
    {
        const Lock lock(mutex_);
        state_ = state;
        reason_ = std::move(reason);
        pid_ = pid;
    }
    changed_.notify_all();
}

void HostProcess::supervise() {
    milliseconds wait = std::min(kFirstPause, options_.longest_pause);
    for (;;) {
        std::chrono::steady_clock::duration lived{};
        std::string how;
        try {
            how = runOnce(lived);
        } catch (const Error& e) {
            how = e.text();
        }
        {
            const Lock lock(mutex_);
            if (refusal_) return;
        }
        if (pause(0ms)) return;
        set(DriverState::dead, how);
        if (lived > kHealthyAfter) wait = std::min(kFirstPause, options_.longest_pause);
        if (options_.log)
            options_.log(log::Level::warning, fmt::format("driver {} of {} {}; starts again in {} ms", options_.driver,
                                                          options_.file.native(), how, wait.count()));
        if (pause(wait)) return;
        wait = std::min(wait * 2, options_.longest_pause);
    }
}

std::string HostProcess::runOnce(std::chrono::steady_clock::duration& lived) {
    int ends[2];
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "make a socket pair");
    const UniqueFd ours(ends[0]);
    UniqueFd theirs(ends[1]);
    const auto born = std::chrono::steady_clock::now();
    std::vector<std::string> args{options_.host_binary.native(), options_.file.native(), "--listen",
                                  "unix://" + options_.socket.native(), "--driver", options_.driver, "--config",
                                  options_.config_json, "--control-fd", "3"};
    if (!options_.state_directory.empty()) args.insert(args.end(), {"--state", options_.state_directory.native()});
    ChildProcess child = ChildProcess::spawn(
        {.program = options_.host_binary.native(),
         .args = args,
         .env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
         .inherit = {theirs.get()},
         .new_session = true});
    theirs.reset();
    if (awaitGreeting(ours.get(), child)) {
        set(DriverState::loaded, {}, child.pid());
        std::array<pollfd, 2> entries{{{child.pidfd(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
        while (::poll(entries.data(), entries.size(), -1) < 0 && errno == EINTR) continue;
    }
    stopChild(child);
    const std::optional<ExitStatus> status = child.wait(5s);
    lived = std::chrono::steady_clock::now() - born;
    return status ? describe(*status) : "can't be killed";
}

bool HostProcess::awaitGreeting(int control, const ChildProcess& child) {
    const auto deadline = std::chrono::steady_clock::now() + kOpenTimeout;
    std::string line;
    while (line.find('\n') == std::string::npos) {
        std::array<pollfd, 3> entries{
            {{control, POLLIN, 0}, {stop_.get(), POLLIN, 0}, {child.pidfd(), POLLIN, 0}}};
        const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now()).count();
        const int ready = ::poll(entries.data(), entries.size(), static_cast<int>(std::max<long>(left, 0)));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0 || entries[1].revents != 0) return false;
        char buffer[4096];
        const ssize_t got = entries[0].revents != 0 ? ::read(control, buffer, sizeof buffer) : 0;
        if (got <= 0 || line.size() > 64 * sizeof buffer) return false;
        line.append(buffer, static_cast<std::size_t>(got));
    }
    const wire::Message message(line);
    const wire::Refusal refusal = wire::readRefusal(wire::Reader(message.root()));
    if (refusal.text.empty()) return true;
    const auto code = refusal.code == 0 ? Code::system : static_cast<Code>(refusal.code);
    {
        const Lock lock(mutex_);
        refusal_.emplace(code, refusal.text, refusal.sys_errno);
    }
    set(code == Code::unimplemented ? DriverState::skipped : DriverState::failed, refusal.text);
    return false;
}

// True when the destructor runs.
bool HostProcess::pause(milliseconds time) {
    pollfd entry{stop_.get(), POLLIN, 0};
    return ::poll(&entry, 1, static_cast<int>(time.count())) > 0;
}

void HostProcess::stopChild(ChildProcess& child) const {
    if (!child.signal(SIGTERM)) return;
    if (!child.wait(2s)) child.signal(SIGKILL);
}

}  // namespace davit::plugin
