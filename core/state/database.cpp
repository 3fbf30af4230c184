#include "state/database.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <deque>
#include <future>
#include <thread>

#include "base/defer.hpp"
#include "base/failpoint.hpp"
#include "base/thread_annotations.hpp"
#include "state/open.hpp"

namespace davit::state {
namespace {

struct Job {
    bool synced;
    bool needs_room;
    const std::function<void(Connection&)>* work;
    std::exception_ptr error;
    std::promise<void> done;
};
using Batch = std::vector<std::shared_ptr<Job>>;

bool anySynced(const Batch& batch) {
    return std::any_of(batch.begin(), batch.end(), [](const auto& job) { return job->synced; });
}

/// Takes the jobs that need room out of the batch and fails them.
void refuseGrowing(Batch& batch, const std::exception_ptr& failure) {
    std::erase_if(batch, [&](const auto& job) {
        if (job->needs_room) job->error = failure;
        return job->needs_room;
    });
}

bool isDiskFull(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const Error& error) {
        return error.sysErrno() == ENOSPC;
    } catch (...) {
        return false;
    }
}

/// Who has the connection. Readers go before the next transaction of the writer, so that a busy writer doesn't starve
/// them.
class Turns {
  public:
    void takeToRead() DAVIT_EXCLUDES(mutex_) {
        const Lock lock(mutex_);
        if (taken_ && holder_ == std::this_thread::get_id())
            throw Error(Code::system, "state store: a read inside another access");
        ++readers_;
        while (taken_) changed_.wait(mutex_);
        --readers_;
        take();
    }
    void takeToWrite() DAVIT_EXCLUDES(mutex_) {
        const Lock lock(mutex_);
        while (taken_ || readers_ > 0) changed_.wait(mutex_);
        take();
    }
    void giveBack() noexcept DAVIT_EXCLUDES(mutex_) {
        {
            const Lock lock(mutex_);
            taken_ = false;
        }
        changed_.notify_all();
    }
    [[nodiscard]] bool isMine() DAVIT_EXCLUDES(mutex_) {
        const Lock lock(mutex_);
        return taken_ && holder_ == std::this_thread::get_id();
    }

  private:
    void take() DAVIT_REQUIRES(mutex_) {
        taken_ = true;
        holder_ = std::this_thread::get_id();
    }
    Mutex mutex_;
    Condition changed_;
    bool taken_ DAVIT_GUARDED_BY(mutex_) = false;
    int readers_ DAVIT_GUARDED_BY(mutex_) = 0;
    std::thread::id holder_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace

struct Database::Impl {
    explicit Impl(DatabaseOptions opts) : options(std::move(opts)), opened(openDatabase(options)) {
        writer = std::thread([this] { writeLoop(); });
    }
    ~Impl() {
        {
            const Lock lock(mutex);
            stopping = true;
        }
        wake.notify_one();
        writer.join();
        opened.writer.reset();
        (void)allocateLog(options.path);  // false: the disk is full, and the next start has the reserve
    }

    void writeLoop() noexcept;
    Batch nextBatch();
    void runBatch(const Batch& whole);
    std::exception_ptr tryBatch(const Batch& batch);
    bool runJob(Connection& connection, Job& job);
    void setSynchronous(bool full);
    void rollBack() noexcept;

    DatabaseOptions options;
    OpenedDatabase opened;
    int synchronous = -1;  // the writer thread's; -1: not set yet

    Mutex mutex;
    Condition wake;
    std::deque<std::shared_ptr<Job>> queue DAVIT_GUARDED_BY(mutex);
    bool stopping DAVIT_GUARDED_BY(mutex) = false;

    Turns turns;  // on opened.writer, the only connection there is

    std::thread writer;
};

/// Relaxed jobs at the front go alone, so that they needn't wait for an fsync; from the first synced one on all go
/// together.
Batch Database::Impl::nextBatch() {
    const Lock lock(mutex);
    while (queue.empty() && !stopping) wake.wait(mutex);
    Batch batch;
    const bool relaxed_only = !queue.empty() && !queue.front()->synced;
    while (!queue.empty() && !(relaxed_only && queue.front()->synced)) {
        batch.push_back(std::move(queue.front()));
        queue.pop_front();
    }
    return batch;
}

void Database::Impl::writeLoop() noexcept {
    for (;;) {
        Batch batch = nextBatch();
        if (batch.empty()) return;
        try {
            turns.takeToWrite();
            const Defer give_back([this] { turns.giveBack(); });
            runBatch(batch);
        } catch (...) {  // the thread's entry: whatever it was, it belongs to those who wait
            for (const auto& job : batch) job->error = std::current_exception();
        }
        for (const auto& job : batch) job->done.set_value();
    }
}

/// On a full disk what needs room fails first; the rest is tried without it, and then in the space that is made.
void Database::Impl::runBatch(const Batch& whole) {
    Batch batch = whole;
    std::exception_ptr failure = tryBatch(batch);
    if (failure && isDiskFull(failure)) {
        const std::size_t all = batch.size();
        refuseGrowing(batch, failure);
        if (batch.size() < all) failure = batch.empty() ? nullptr : tryBatch(batch);
    }
    if (failure && isDiskFull(failure) && options.make_space && options.make_space()) failure = tryBatch(batch);
    if (!failure) return;
    for (const auto& job : batch) job->error = failure;
}

/// Returns what stopped the whole batch; what one job throws stays with that job.
std::exception_ptr Database::Impl::tryBatch(const Batch& batch) {
    Connection& connection = *opened.writer;
    try {
        setSynchronous(anySynced(batch));
        connection.script("BEGIN IMMEDIATE");
        bool any = false;
        for (const auto& job : batch) any = runJob(connection, *job) || any;
        DAVIT_FAILPOINT("store.before_commit");
        connection.script(any ? "COMMIT" : "ROLLBACK");
        DAVIT_FAILPOINT("store.after_commit");
        return nullptr;
    } catch (...) {
        const std::exception_ptr failure = std::current_exception();
        rollBack();
        return failure;
    }
}

/// True: its changes are in the transaction. Throws when the transaction itself is lost, or the disk is full.
bool Database::Impl::runJob(Connection& connection, Job& job) {
    job.error = nullptr;
    connection.run("SAVEPOINT job");
    try {
        (*job.work)(connection);
        connection.run("RELEASE job");
        return true;
    } catch (...) {
        job.error = std::current_exception();
        if (isDiskFull(job.error) || ::sqlite3_get_autocommit(connection.handle()) != 0) throw;
        connection.run("ROLLBACK TO job");
        connection.run("RELEASE job");
        return false;
    }
}

void Database::Impl::setSynchronous(bool full) {
    if (synchronous == static_cast<int>(full)) return;
    opened.writer->script(full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    synchronous = static_cast<int>(full);
}

void Database::Impl::rollBack() noexcept {
    if (::sqlite3_get_autocommit(opened.writer->handle()) != 0) return;
    // Should even this fail, the next BEGIN fails too and says so to its caller.
    (void)::sqlite3_exec(opened.writer->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Database::Database(DatabaseOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Database::~Database() = default;

void Database::refuseWithoutRoom() const {
    if (impl_->options.may_grow && !impl_->options.may_grow())
        throw Error(Code::system, "state store: no space left on device", ENOSPC);
}

void Database::submit(Terms terms, const std::function<void(Connection&)>& work) {
    if (impl_->turns.isMine()) throw Error(Code::system, "state store: a write inside another access");
    const auto job = std::make_shared<Job>(
        Job{terms.durability == Durability::synced, terms.disk == Disk::needs_room, &work, nullptr, {}});
    std::future<void> done = job->done.get_future();
    {
        const Lock lock(impl_->mutex);
        impl_->queue.push_back(job);
    }
    impl_->wake.notify_one();
    done.get();
    if (job->error) std::rethrow_exception(std::exchange(job->error, nullptr));
}

const std::optional<std::filesystem::path>& Database::quarantined() const noexcept { return impl_->opened.quarantined; }

Database::ReadScope::ReadScope(const Database& database) : database_(database) {
    database.impl_->turns.takeToRead();
    try {
        connection().run("BEGIN");
    } catch (...) {
        database.impl_->turns.giveBack();
        throw;
    }
}

Database::ReadScope::~ReadScope() {
    database_.impl_->rollBack();  // nothing was written: this only ends the transaction
    database_.impl_->turns.giveBack();
}

Connection& Database::ReadScope::connection() const noexcept { return *database_.impl_->opened.writer; }

}  // namespace davit::state
