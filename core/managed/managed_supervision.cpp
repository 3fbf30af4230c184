// The programs: how they start, are watched, and end.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <system_error>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "managed/managed_entry.hpp"

namespace davit::managed {
namespace fs = std::filesystem;
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kFirstPause = 100ms;
constexpr auto kLongestPause = 10000ms;
constexpr auto kHealthy = 30000ms;  ///< one that ran so long starts without history
constexpr auto kIdle = 1h;

// Whether somebody listens at the socket; why not is in errno. The plugin makes what is there: a link isn't followed, and a queue that is
// full doesn't hold anybody up.
bool answers(const fs::path& socket_path) {
    const UniqueFd place(::open(socket_path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (!place || ::fstat(place.get(), &info) != 0) return false;
    if (!S_ISSOCK(info.st_mode)) {
        errno = ENOTSOCK;
        return false;
    }
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = "/proc/self/fd/" + std::to_string(place.get());
    std::copy(path.begin(), path.end(), address.sun_path);
    return fd && (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN);
}

}  // namespace

void ManagedPlugins::expectProgram(Entry& entry) {
    const Lock lock(mutex_);
    entry.running = true;
    ++entry.life;
    entry.started = Clock::now();
    if (!supervisor_.joinable() && !stopping_) supervisor_ = std::thread([this] { supervise(); });
}

void ManagedPlugins::run(const EntryPtr& entry) {
    expectProgram(*entry);
    try {
        entry->process =
            PluginProcess::start(monitor_, placeOf(entry->plugin.id), entry->plugin.config, entry->plugin.settings, onExit(entry));
    } catch (...) {  // rethrown
        const Lock lock(mutex_);
        entry->running = false;
        throw;
    }
}

PluginProcess::Exited ManagedPlugins::onExit(const EntryPtr& entry) const {
    std::uint64_t life = 0;
    {
        const Lock lock(mutex_);
        life = entry->life;
    }
    return [gate = gate_, weak = std::weak_ptr<Entry>(entry), life](const runtime::ExitInfo& exit) {
        const Lock lock(gate->mutex);
        if (gate->owner != nullptr) gate->owner->exited(weak, life, exit);
    };
}

void ManagedPlugins::exited(const std::weak_ptr<Entry>& weak, std::uint64_t life, const runtime::ExitInfo& exit) {
    const EntryPtr entry = weak.lock();
    if (!entry) return;
    {
        const Lock lock(mutex_);
        if (entry->life != life) return;  // late news of an earlier program
        entry->running = false;
        if (entry->plugin.enabled) log::warning("plugin {} ended with {}", entry->plugin.name, exit.code);
        restartLater(entry);
    }
    changed_.notify_all();
}

void ManagedPlugins::restartLater(const EntryPtr& entry) {
    if (!entry->plugin.enabled || stopping_) return;
    if (Clock::now() - entry->started > kHealthy) entry->failures = 0;
    const auto pause = std::min<std::chrono::milliseconds>(kFirstPause * (1 << std::min(entry->failures++, 7)), kLongestPause);
    log::info("plugin {} is started again in {} ms", entry->plugin.name, pause.count());
    restarts_.emplace(Clock::now() + pause, entry);
    changed_.notify_all();
}

void ManagedPlugins::supervise() {
    while (true) {
        EntryPtr entry;
        {
            const Lock lock(mutex_);
            while (!stopping_ && (restarts_.empty() || restarts_.begin()->first > Clock::now())) {
                const auto next = restarts_.empty() ? Clock::now() + kIdle : restarts_.begin()->first;
                (void)changed_.wait_until(mutex_, next);
            }
            if (stopping_) return;
            entry = restarts_.begin()->second.lock();
            restarts_.erase(restarts_.begin());
        }
        if (entry) restart(entry);
    }
}

void ManagedPlugins::restart(const EntryPtr& entry) {
    const Lock operation(entry->operation);
    {
        const Lock lock(mutex_);
        if (!entry->plugin.enabled || entry->gone || entry->running || stopping_) return;
    }
    try {
        if (entry->process) entry->process->release();
        entry->process.reset();
        PluginProcess::cleanUp(placeOf(entry->plugin.id));
        run(entry);
    } catch (const std::exception& failure) {  // a thread's entry
        log::error("plugin {}: {}", entry->plugin.name, failure.what());
        const Lock lock(mutex_);
        restartLater(entry);
    }
}

void ManagedPlugins::awaitSocket(const EntryPtr& entry, Clock::time_point until) {
    const fs::path path = placeOf(entry->plugin.id).socket_dir / entry->plugin.config.socket;
    while (!answers(path)) {
        const int why = errno;
        const Lock lock(mutex_);
        if (!entry->running) throw error(Code::system, "plugin {}: its program ended before it listened; the daemon's log has its output", entry->plugin.name);
        if (Clock::now() > until)
            throw Error::system("dial unix " + path.string() + ": connect", why);
        (void)changed_.wait_for(mutex_, 10ms);
    }
}

void ManagedPlugins::end(const EntryPtr& entry) {
    const PluginPlace place = placeOf(entry->plugin.id);
    if (entry->process) {
        for (const int signal : {SIGTERM, SIGKILL}) {
            try {
                entry->process->signal(signal);
            } catch (const Error& failure) {  // it has ended
                log::debug("plugin {}: {}", entry->plugin.name, failure.text());
            }
            const auto until = Clock::now() + options_.stop_timeout;
            const Lock lock(mutex_);
            while (entry->running)
                if (changed_.wait_until(mutex_, until) == std::cv_status::timeout) break;
            if (!entry->running) break;
        }
        {
            const Lock lock(mutex_);
            if (entry->running) throw error(Code::system, "plugin {}: its program can't be ended", entry->plugin.name);
        }
        entry->process->release();
        entry->process.reset();
    }
    cleanUp(place);
}

void ManagedPlugins::cleanUp(const PluginPlace& place) {
    PluginProcess::cleanUp(place);
    removeTree(place.socket_dir);
    unshareMounts(place.directory / "propagated-mount");
}

void ManagedPlugins::stop() {
    {
        const Lock lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (supervisor_.joinable()) supervisor_.join();
}

void ManagedPlugins::endPrograms() {
    std::vector<EntryPtr> all;
    {
        const Lock lock(mutex_);
        for (const auto& [id, entry] : entries_) all.push_back(entry);
    }
    const auto endOne = [this](const EntryPtr& entry) {
        try {
            const Lock operation(entry->operation);
            end(entry);
        } catch (const std::exception& failure) {  // a thread's entry
            log::error("plugin {}: {}", entry->plugin.name, failure.what());
        }
    };
    std::vector<std::thread> ends;
    ends.reserve(all.size());
    for (const EntryPtr& entry : all) {
        try {
            ends.emplace_back(endOne, entry);
        } catch (const std::system_error&) {  // no thread to be had
            endOne(entry);
        }
    }
    for (std::thread& one : ends) one.join();
}

}  // namespace davit::managed
