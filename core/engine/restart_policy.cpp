#include "engine/restart_policy.hpp"

#include <algorithm>

namespace davit::engine {
namespace {

constexpr std::chrono::milliseconds kFirstDelay{100};
constexpr std::chrono::minutes kLongestDelay{1};
constexpr std::chrono::seconds kLongRun{10};

bool failedOftenEnough(const runtime::RestartPolicy& policy, int restarts) {
    return policy.maximum_retry_count > 0 && restarts >= policy.maximum_retry_count;
}

}  // namespace

bool wantsRestart(const runtime::RestartPolicy& policy, const ContainerState& state, int restarts) {
    if (state.stopped_by_client) return false;
    if (policy.name == "always" || policy.name == "unless-stopped") return true;
    return policy.name == "on-failure" && state.exit_code != 0 && !failedOftenEnough(policy, restarts);
}

bool wantsStartWithDaemon(const runtime::RestartPolicy& policy, const ContainerState& state, int restarts) {
    if (state.status != Status::exited && state.status != Status::restarting) return false;
    return policy.name == "always" || wantsRestart(policy, state, restarts);
}

std::chrono::milliseconds nextDelay(const ContainerState& ended, std::chrono::milliseconds last) {
    const bool long_run = ended.started_at && ended.finished_at && *ended.finished_at - *ended.started_at >= kLongRun;
    if (long_run || last.count() == 0) return kFirstDelay;
    return std::min<std::chrono::milliseconds>(last * 2, kLongestDelay);
}

}  // namespace davit::engine
