#include "state/database.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <deque>
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
    bool done = false;  // read and written by who has the connection
};
using Batch = std::vector<Job*>;

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
    explicit Impl(DatabaseOptions opts) : options(std::move(opts)), opened(openDatabase(options)) {}
    ~Impl() {
        opened.writer.reset();
        (void)allocateLog(options.path);  // false: the disk is full, and the next start has the reserve
    }

    void run(Job& job);
    void runNext();
    Batch nextBatch();
    void runBatch(const Batch& whole);
    std::exception_ptr tryBatch(const Batch& batch);
    bool runJob(Connection& connection, Job& job);
    void setSynchronous(bool full);
    void rollBack() noexcept;

    DatabaseOptions options;
    OpenedDatabase opened;
    int synchronous = -1;  // -1: not set yet

    Mutex mutex;
    std::deque<Job*> queue DAVIT_GUARDED_BY(mutex);

    Turns turns;  // on opened.writer, the only connection there is
};

/// Who gets the connection runs what waits in the queue by then, its own job or another's: a write that meets no other
/// switches no thread, and those that meet share a transaction.
void Database::Impl::run(Job& job) {
    {
        const Lock lock(mutex);
        queue.push_back(&job);
    }
    const Defer forget([&] {  // of use only when an exception leaves it there
        const Lock lock(mutex);
        std::erase(queue, &job);
    });
    for (;;) {
        turns.takeToWrite();
        const Defer give_back([this] { turns.giveBack(); });
        if (!job.done) runNext();
        if (job.done) return;
    }
}

void Database::Impl::runNext() {
    const Batch batch = nextBatch();
    try {
        runBatch(batch);
    } catch (...) {  // whatever it was, it belongs to all whose jobs these are
        for (Job* job : batch) job->error = std::current_exception();
    }
    for (Job* job : batch) job->done = true;
}

/// Relaxed jobs at the front go alone, so that they needn't wait for an fsync; from the first synced one on all go
/// together.
Batch Database::Impl::nextBatch() {
    const Lock lock(mutex);
    Batch batch;
    batch.reserve(queue.size());  // nothing below throws: a job is in the queue or in the batch
    const bool relaxed_only = !queue.empty() && !queue.front()->synced;
    while (!queue.empty() && !(relaxed_only && queue.front()->synced)) {
        batch.push_back(queue.front());
        queue.pop_front();
    }
    return batch;
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
    Job job{terms.durability == Durability::synced, terms.disk == Disk::needs_room, &work, nullptr};
    impl_->run(job);
    if (job.error) std::rethrow_exception(job.error);
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
