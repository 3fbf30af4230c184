#include "engine/exec_table.hpp"

#include "base/check.hpp"

namespace davit::engine {
namespace {

constexpr std::chrono::minutes kKeepEnded{5};

}  // namespace

Exec ExecTable::get(const std::string& id) const {
    const Lock lock(mutex_);
    const auto found = records_.find(id);
    if (found == records_.end()) throw error(Code::not_found, "No such exec instance: {}", id);
    return found->second.exec;
}

void ExecTable::add(Exec exec) {
    const Lock lock(mutex_);
    expire();
    const std::string id = exec.id;
    records_.insert_or_assign(id, Record{std::move(exec), false, {}});
}

Exec ExecTable::claim(const std::string& id) {
    const Lock lock(mutex_);
    const auto found = records_.find(id);
    if (found == records_.end()) throw error(Code::not_found, "No such exec instance: {}", id);
    Record& record = found->second;
    if (record.exec.exit_code) throw error(Code::conflict, "exec command {} has already run", id);
    if (record.claimed) throw error(Code::conflict, "exec command {} is already running", id);
    record.claimed = true;
    return record.exec;
}

void ExecTable::started(const std::string& id, int pid) {
    {
        const Lock lock(mutex_);
        const auto found = records_.find(id);
        if (found == records_.end()) return;
        found->second.exec.pid = pid;
        // A short one may have ended before its start was answered.
        found->second.exec.running = !found->second.exec.exit_code.has_value();
    }
    changed_.notify_all();
}

bool ExecTable::ended(const std::string& id, int code) {
    {
        const Lock lock(mutex_);
        const auto found = records_.find(id);
        if (found == records_.end() || !found->second.claimed || found->second.exec.exit_code) return false;
        end(found->second, code);
    }
    changed_.notify_all();
    return true;
}

template <class Predicate>
void ExecTable::waitWhile(const std::string& id, SteadyTime deadline, const Predicate& predicate) {
    const Lock lock(mutex_);
    while (true) {
        const auto found = records_.find(id);
        if (found == records_.end() || !predicate(found->second)) return;
        if (changed_.wait_until(mutex_, deadline) == std::cv_status::timeout) return;
    }
}

void ExecTable::waitStarted(const std::string& id, SteadyTime deadline) {
    waitWhile(id, deadline, [](const Record& record) { return record.claimed && !record.exec.running && !record.exec.exit_code; });
}

void ExecTable::waitEnded(const std::string& id, SteadyTime deadline) {
    waitWhile(id, deadline, [](const Record& record) { return !record.exec.exit_code; });
}

std::vector<std::string> ExecTable::endAll(const std::string& container_id) {
    constexpr int kKilled = 137;
    std::vector<std::string> killed;
    {
        const Lock lock(mutex_);
        for (auto& [id, record] : records_) {
            if (record.exec.container_id != container_id || !record.claimed || record.exec.exit_code) continue;
            end(record, kKilled);
            killed.push_back(id);
        }
    }
    changed_.notify_all();
    return killed;
}

void ExecTable::forget(const std::string& container_id) {
    {
        const Lock lock(mutex_);
        std::erase_if(records_, [&](const auto& item) { return item.second.exec.container_id == container_id; });
    }
    changed_.notify_all();
}

void ExecTable::expire() {
    const SteadyTime limit = std::chrono::steady_clock::now() - kKeepEnded;
    std::erase_if(records_, [&](const auto& item) { return item.second.exec.exit_code && item.second.ended_at < limit; });
}

void ExecTable::end(Record& record, int code) {
    record.exec.running = false;
    record.exec.exit_code = code;
    record.exec.can_remove = true;
    record.ended_at = std::chrono::steady_clock::now();
}

}  // namespace davit::engine
