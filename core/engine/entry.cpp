#include "engine/entry.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/check.hpp"

namespace davit::engine {
namespace {

/// More clients than this don't wait for one container's start; the oldest is let go.
constexpr std::size_t kMaxPending = 250;  // one message carries them to the shim

bool hungUp(const runtime::Attachment& attachment) {
    pollfd watched{attachment.socket.get(), 0, 0};
    return ::poll(&watched, 1, 0) > 0 && (watched.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

}  // namespace

/// Someone who waits. Its own lock decides between firing and cancelling.
struct Entry::Waiter {
    WaitCondition condition;
    Mutex mutex;
    std::function<void(WaitResult)> done DAVIT_GUARDED_BY(mutex);

    std::function<void(WaitResult)> take() DAVIT_EXCLUDES(mutex) {
        const Lock lock(mutex);
        return std::exchange(done, nullptr);
    }
};

Operation::~Operation() {
    if (entry_) entry_->end();
}

Entry::Entry(Container data) : id_(data.id), data_(std::move(data)) { restarts_.count = data_.restart_count; }

Container Entry::snapshot() const {
    const Lock lock(mutex_);
    return data_;
}

ContainerState Entry::state() const {
    const Lock lock(mutex_);
    return data_.state;
}

std::string Entry::name() const {
    const Lock lock(mutex_);
    return data_.name;
}

bool Entry::autoRemove() const {
    const Lock lock(mutex_);
    return data_.host_config->auto_remove;
}

Operation Entry::begin() {
    const Lock lock(mutex_);
    while (busy_) changed_.wait(mutex_);
    if (gone_) throw error(Code::not_found, "No such container: {}", id_);
    busy_ = true;
    return Operation(shared_from_this());
}

Operation Entry::beginRemoval() {
    const Lock lock(mutex_);
    if (removing_) throw error(Code::conflict, "removal of container {} is already in progress", id_);
    removing_ = true;
    while (busy_) changed_.wait(mutex_);
    if (gone_) throw error(Code::not_found, "No such container: {}", id_);
    busy_ = true;
    return Operation(shared_from_this());
}

std::optional<Operation> Entry::tryBeginRemoval() {
    const Lock lock(mutex_);
    if (busy_ || gone_ || removing_) return std::nullopt;
    busy_ = removing_ = true;
    return Operation(shared_from_this());
}

void Entry::end() noexcept {
    {
        const Lock lock(mutex_);
        busy_ = false;
        removing_ = false;
    }
    changed_.notify_all();
}

Entry::Run Entry::beginRun() {
    const Lock lock(mutex_);
    phase_ = Phase::starting;
    early_exit_.reset();
    return {++run_, std::exchange(pending_, {})};
}

Entry::Started Entry::started(std::shared_ptr<runtime::Shim> shim, const ContainerState& state, const Tell& tell) {
    Started late;
    {
        const Lock lock(mutex_);
        phase_ = Phase::running;
        shim_ = std::move(shim);
        data_.state = state;
        if (tell) tell(data_);
        late = {std::exchange(pending_, {}), std::exchange(early_exit_, std::nullopt)};
    }
    changed_.notify_all();
    return late;
}

void Entry::failed(const ContainerState& state) {
    std::vector<std::shared_ptr<Waiter>> waiters;
    std::vector<runtime::Attachment> dropped;
    WaitResult outcome;
    {
        const Lock lock(mutex_);
        phase_ = Phase::idle;
        data_.state = state;
        data_.network.endRun();
        dropped = std::exchange(pending_, {});
        waiters = takeWaiters(false);
        outcome = result();
    }
    changed_.notify_all();
    fire(waiters, outcome);
}

bool Entry::acceptExit(std::uint64_t run, const runtime::ExitInfo& exit) {
    const Lock lock(mutex_);
    if (run != run_ || phase_ == Phase::idle) return false;
    if (phase_ == Phase::running) return true;
    early_exit_ = exit;
    return false;
}

void Entry::ended(const ContainerState& state, const Tell& tell) {
    std::vector<std::shared_ptr<Waiter>> waiters;
    WaitResult outcome;
    {
        const Lock lock(mutex_);
        phase_ = Phase::idle;
        data_.state = state;
        data_.network.endRun();
        data_.exec_ids.clear();
        if (tell) tell(data_);
        waiters = takeWaiters(false);
        outcome = result();
    }
    changed_.notify_all();
    fire(waiters, outcome);
}

void Entry::tellWhileRunning(const Tell& tell) const {
    const Lock lock(mutex_);
    if (phase_ == Phase::running) tell(data_);
}

std::uint64_t Entry::runNumber() const {
    const Lock lock(mutex_);
    return run_;
}

bool Entry::waitEnd(std::uint64_t run, std::optional<SteadyTime> deadline) {
    const Lock lock(mutex_);
    while (run == run_ && phase_ != Phase::idle) {
        if (!deadline)
            changed_.wait(mutex_);
        else if (changed_.wait_until(mutex_, *deadline) == std::cv_status::timeout)
            return run != run_ || phase_ == Phase::idle;
    }
    return true;
}

void Entry::settle() const {
    const Lock lock(mutex_);
    while (phase_ == Phase::starting) changed_.wait(mutex_);
}

std::shared_ptr<runtime::Shim> Entry::shim() const {
    settle();
    const Lock lock(mutex_);
    return phase_ == Phase::running ? shim_ : nullptr;
}

std::shared_ptr<runtime::Shim> Entry::takeShim() {
    const Lock lock(mutex_);
    return std::exchange(shim_, nullptr);
}

void Entry::setOom(const Tell& tell) {
    const Lock lock(mutex_);
    data_.state.oom_killed = true;
    if (tell) tell(data_);
}

void Entry::setState(const ContainerState& state, const Tell& tell) {
    const Lock lock(mutex_);
    data_.state = state;
    if (tell) tell(data_);
}

void Entry::setStoppedByClient() {
    const Lock lock(mutex_);
    if (phase_ == Phase::running) data_.state.stopped_by_client = true;
}

std::optional<std::chrono::milliseconds> Entry::countRestart(const ContainerState& state) {
    const Lock lock(mutex_);
    restarts_.delay = nextDelay(state, restarts_.delay);
    if (!wantsRestart(data_.host_config->restart_policy, state, restarts_.count)) return std::nullopt;
    ++restarts_.count;
    ++data_.restart_count;
    return restarts_.delay;
}

void Entry::resetRestarts() {
    const Lock lock(mutex_);
    restarts_ = {};
    data_.restart_count = 0;
}

bool Entry::setPaused(bool paused, const Tell& tell) {
    const Lock lock(mutex_);
    if (phase_ != Phase::running) return false;
    data_.state.status = paused ? Status::paused : Status::running;
    tell(data_);
    return true;
}

void Entry::setName(const std::string& name, const Tell& tell) {
    const Lock lock(mutex_);
    for (auto& [network, endpoint] : data_.network.networks) std::replace(endpoint.dns_names.begin(), endpoint.dns_names.end(), data_.name, name);
    data_.name = name;
    tell(data_);
}

void Entry::setHostConfig(std::shared_ptr<const runtime::HostConfig> host_config, const Tell& tell) {
    const Lock lock(mutex_);
    data_.host_config = std::move(host_config);
    tell(data_);
}

void Entry::setMounts(std::vector<runtime::MountPoint> mounts) {
    const Lock lock(mutex_);
    data_.mounts = std::move(mounts);
}

void Entry::setHostConfig(std::shared_ptr<const runtime::HostConfig> host_config) {
    const Lock lock(mutex_);
    data_.host_config = std::move(host_config);
}

void Entry::setNetwork(NetworkSettings network, const Tell& tell) {
    const Lock lock(mutex_);
    data_.network = std::move(network);
    if (tell) tell(data_);
}

void Entry::setRunFacts(const NetworkSettings& network, const std::string& hostname_path, const std::string& hosts_path,
                        const std::string& resolv_conf_path) {
    const Lock lock(mutex_);
    data_.network = network;
    data_.hostname_path = hostname_path;
    data_.hosts_path = hosts_path;
    data_.resolv_conf_path = resolv_conf_path;
}

void Entry::addExec(const std::string& exec_id) {
    const Lock lock(mutex_);
    data_.exec_ids.push_back(exec_id);
}

void Entry::dropExec(const std::string& exec_id) {
    const Lock lock(mutex_);
    std::erase(data_.exec_ids, exec_id);
}

void Entry::gone(const Tell& tell) {
    std::vector<std::shared_ptr<Waiter>> waiters;
    std::vector<runtime::Attachment> dropped;
    WaitResult outcome;
    {
        const Lock lock(mutex_);
        gone_ = true;
        phase_ = Phase::idle;
        if (tell) tell(data_);
        dropped = std::exchange(pending_, {});
        waiters = takeWaiters(true);
        outcome.exit_code = data_.state.exit_code;  // Docker: a removal that succeeds reports no error of the start
    }
    changed_.notify_all();
    fire(waiters, outcome);
}

bool Entry::isGone() const {
    const Lock lock(mutex_);
    return gone_;
}

WaitResult Entry::result() const { return {data_.state.exit_code, data_.state.error}; }

std::vector<std::shared_ptr<Entry::Waiter>> Entry::takeWaiters(bool removal) {
    std::vector<std::shared_ptr<Waiter>> taken;
    std::erase_if(waiters_, [&](const std::shared_ptr<Waiter>& waiter) {
        if (!removal && waiter->condition == WaitCondition::removed) return false;
        taken.push_back(waiter);
        return true;
    });
    return taken;
}

void Entry::fire(const std::vector<std::shared_ptr<Waiter>>& waiters, const WaitResult& result) {
    for (const std::shared_ptr<Waiter>& waiter : waiters)
        if (const auto done = waiter->take()) done(result);
}

std::unique_ptr<WaitTicket> Entry::wait(WaitCondition condition, std::function<void(WaitResult)> done) {
    class Ticket : public WaitTicket {
      public:
        Ticket(std::weak_ptr<Entry> entry, std::shared_ptr<Waiter> waiter)
            : entry_(std::move(entry)), waiter_(std::move(waiter)) {}
        ~Ticket() override {
            (void)waiter_->take();
            const EntryPtr entry = entry_.lock();
            if (!entry) return;
            const Lock lock(entry->mutex_);
            std::erase(entry->waiters_, waiter_);
        }

      private:
        std::weak_ptr<Entry> entry_;
        std::shared_ptr<Waiter> waiter_;
    };
    const auto waiter = std::make_shared<Waiter>();
    waiter->condition = condition;
    {
        const Lock lock(waiter->mutex);
        waiter->done = std::move(done);
    }
    auto ticket = std::make_unique<Ticket>(weak_from_this(), waiter);
    WaitResult outcome;
    {
        const Lock lock(mutex_);
        const bool now = gone_ || (condition == WaitCondition::not_running && phase_ == Phase::idle &&
                                   data_.state.status != Status::restarting);
        if (!now) {
            waiters_.push_back(waiter);
            return ticket;
        }
        outcome = result();
    }
    fire({waiter}, outcome);
    return ticket;
}

bool Entry::keepAttachment(runtime::Attachment& attachment, std::string_view greeting) {
    std::vector<runtime::Attachment> dropped;
    const Lock lock(mutex_);
    if (gone_) throw error(Code::not_found, "No such container: {}", id_);
    // A few hundred bytes into an empty socket buffer: it doesn't block. A client that is gone is noticed later.
    (void)!::send(attachment.socket.get(), greeting.data(), greeting.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (phase_ == Phase::running) return false;
    const auto dead = std::partition(pending_.begin(), pending_.end(), [](const auto& one) { return !hungUp(one); });
    std::move(dead, pending_.end(), std::back_inserter(dropped));
    pending_.erase(dead, pending_.end());
    if (pending_.size() >= kMaxPending) pending_.erase(pending_.begin());
    pending_.push_back(std::move(attachment));
    return true;
}

}  // namespace davit::engine
