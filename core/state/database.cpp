#include "state/database.hpp"

#include <sqlite3.h>

#include <deque>
#include <future>
#include <thread>

#include "base/failpoint.hpp"
#include "base/thread_annotations.hpp"
#include "state/open.hpp"

namespace davit::state {
namespace {

struct Job {
    Durability durability;
    const std::function<void(Connection&)>* work;
    std::exception_ptr error;
    std::promise<void> done;
};
using Batch = std::vector<std::shared_ptr<Job>>;

bool isDiskFull(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const Error& error) {
        return error.sysErrno() == ENOSPC;
    } catch (...) {
        return false;
    }
}

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
    }

    void writeLoop() noexcept;
    Batch nextBatch();
    void runBatch(Batch& batch);
    std::exception_ptr tryBatch(Batch& batch, bool synced);
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

    Mutex pool_mutex;
    std::vector<std::unique_ptr<Connection>> pool DAVIT_GUARDED_BY(pool_mutex);

    std::thread writer;
};

/// Relaxed jobs at the front go alone, so that they needn't wait for an fsync; from the first synced one on all go
/// together.
Batch Database::Impl::nextBatch() {
    const Lock lock(mutex);
    while (queue.empty() && !stopping) wake.wait(mutex);
    Batch batch;
    const bool relaxed_only = !queue.empty() && queue.front()->durability == Durability::relaxed;
    while (!queue.empty() && !(relaxed_only && queue.front()->durability == Durability::synced)) {
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
            runBatch(batch);
        } catch (...) {  // the thread's entry: whatever it was, it belongs to those who wait
            for (const auto& job : batch) job->error = std::current_exception();
        }
        for (const auto& job : batch) job->done.set_value();
    }
}

void Database::Impl::runBatch(Batch& batch) {
    bool synced = false;
    for (const auto& job : batch) synced = synced || job->durability == Durability::synced;
    std::exception_ptr failure = tryBatch(batch, synced);
    if (failure && isDiskFull(failure) && options.make_space && options.make_space()) failure = tryBatch(batch, synced);
    if (!failure) return;
    for (const auto& job : batch) job->error = failure;
}

/// Returns what stopped the whole batch; what one job throws stays with that job.
std::exception_ptr Database::Impl::tryBatch(Batch& batch, bool synced) {
    Connection& connection = *opened.writer;
    try {
        setSynchronous(synced);
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

void Database::submit(Durability durability, const std::function<void(Connection&)>& work) {
    if (std::this_thread::get_id() == impl_->writer.get_id())
        throw Error(Code::system, "state store: a write inside a write");
    const auto job = std::make_shared<Job>(Job{durability, &work, nullptr, {}});
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
    {
        const Lock lock(database.impl_->pool_mutex);
        if (!database.impl_->pool.empty()) {
            connection_ = std::move(database.impl_->pool.back());
            database.impl_->pool.pop_back();
        }
    }
    if (!connection_) connection_ = openConnection(database.impl_->options.path);
    connection_->run("BEGIN");
}

Database::ReadScope::~ReadScope() {
    try {
        connection_->run("COMMIT");
        constexpr std::size_t kIdleReaders = 4;
        const Lock lock(database_.impl_->pool_mutex);
        if (database_.impl_->pool.size() < kIdleReaders) database_.impl_->pool.push_back(std::move(connection_));
    } catch (...) {  // a destructor: the connection is closed, which ends its transaction
    }
}

}  // namespace davit::state
