// The beginning and the end of a sandbox.
#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/failpoint.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "network/controller.hpp"
#include "network/controller_rights.hpp"
#include "network/net_namespace.hpp"

namespace davit::network {
namespace {

constexpr std::size_t kFileNameLength = 12;

}  // namespace

Sandbox NetworkController::describe(const SandboxRequest& request) const {
    Sandbox sandbox;
    sandbox.id = randomId();
    sandbox.container_id = request.container_id;
    sandbox.container_name = request.container_name;
    sandbox.key = options_.exec_root / "netns" / sandbox.id.substr(0, kFileNameLength);
    sandbox.ports = request.ports;
    sandbox.name_servers = request.name_servers;
    for (const EndpointRequest& one : request.endpoints) sandbox.endpoints.push_back(describeEndpoint(one, sandbox));
    return sandbox;
}

Sandbox NetworkController::open(const SandboxRequest& request) {
    return orAfterSweep([&] { return build(request); });
}

Sandbox NetworkController::orAfterSweep(const std::function<Sandbox()>& attempt) {
    const auto sweeps = [this] {
        const Lock lock(mutex_);
        return sweeps_;
    };
    const std::uint64_t before = sweeps();
    try {
        return attempt();
    } catch (const Error& failure) {
        log::debug("the network, before a sweep: {}", failure.text());
        // Neither of these comes of something that is taken; a driver that doesn't answer isn't waited for twice.
        for (const Code other : {Code::forbidden, Code::deadline, Code::unavailable})
            if (failure.code() == other) throw;
        if (!sweepRetired() && sweeps() == before) throw;
    }
    return attempt();
}

Sandbox NetworkController::build(const SandboxRequest& request) {
    Sandbox sandbox = describe(request);
    std::vector<std::unique_ptr<Pin>> pins;
    for (const Endpoint& endpoint : sandbox.endpoints) pins.push_back(std::make_unique<Pin>(*this, endpoint.network_id));
    rows_.insert(sandbox);
    DAVIT_FAILPOINT("sandbox.intent");
    const std::vector<Endpoint> wanted = std::exchange(sandbox.endpoints, {});
    Defer undo([&] {
        if (dismantle(sandbox)) return rows_.removeSandbox(sandbox.id);
        sandbox.ending = true;  // what is in the way now may not be later
        rows_.update(sandbox);
        publish(sandbox);
    });
    if (request.namespace_path.empty())
        bindNamespace(spare_namespaces_.take(), sandbox.key);
    else
        adoptNamespace(request.namespace_path, sandbox.key);
    DAVIT_FAILPOINT("sandbox.made");
    for (const Endpoint& one : wanted) {
        Endpoint endpoint = one;
        attach(sandbox, endpoint);
        sandbox.endpoints.push_back(std::move(endpoint));
    }
    updateGateway(sandbox);
    showNames(sandbox);
    DAVIT_FAILPOINT("sandbox.connected");
    rows_.update(sandbox);
    DAVIT_FAILPOINT("sandbox.commit");
    undo.dismiss();
    publish(sandbox);
    return sandbox;
}

void NetworkController::prepare() {
    try {
        spare_namespaces_.refill();
    } catch (const Error& failure) {  // open() will say so again if it lasts
        log::warning("make a network namespace ahead: {}", failure.text());
    }
}

void NetworkController::publish(const Sandbox& sandbox) {
    const Lock lock(mutex_);
    SandboxEntry& entry = sandboxes_[sandbox.id];
    const bool ending = entry.sandbox.ending || sandbox.ending;  // retired while it was being changed
    entry.sandbox = sandbox;
    entry.sandbox.ending = ending;
    if (!ending) by_container_[sandbox.container_id] = sandbox.id;
}

/// What is gone is taken from the sandbox, so that it isn't given back twice. True when everything is gone.
bool NetworkController::dismantle(Sandbox& sandbox) noexcept {
    hideNames(sandbox.id);
    std::erase_if(sandbox.endpoints, [&](const Endpoint& endpoint) { return detach(sandbox, endpoint); });
    try {
        removeNamespace(sandbox.key);
    } catch (const std::exception& failure) {
        log::warning("sandbox {}: {}", sandbox.id, failure.what());
        return false;
    }
    return sandbox.endpoints.empty();
}

void NetworkController::removeRemains(const std::string& container_name, const std::string& network_id) {
    std::vector<std::string> remains;
    {
        const Lock lock(mutex_);
        for (auto& [id, entry] : sandboxes_)
            if (entry.sandbox.ending && entry.sandbox.container_name == container_name && entry.sandbox.find(network_id) != nullptr)
                remains.push_back(id);
    }
    if (remains.empty()) throw error(Code::not_found, "endpoint {} not found", container_name);
    for (const std::string& id : remains) sweep(id);
}

std::optional<std::string> NetworkController::retire(const std::string& container_id) {
    std::string id;
    {
        const Lock lock(mutex_);
        const auto found = by_container_.find(container_id);
        if (found == by_container_.end()) return std::nullopt;
        id = std::move(found->second);
        by_container_.erase(found);
        sandboxes_.at(id).sandbox.ending = true;
    }
    hideNames(id);
    return id;
}

void NetworkController::sweep(const std::string& sandbox_id) {
    const Busy busy(*this, sandbox_id);
    if (!busy.sandbox()) return;
    Sandbox sandbox = *busy.sandbox();
    if (!dismantle(sandbox)) {
        rows_.update(sandbox);
        return publish(sandbox);
    }
    DAVIT_FAILPOINT("sandbox.dismantled");
    rows_.removeSandbox(sandbox_id);
    const Lock lock(mutex_);
    sandboxes_.erase(sandbox_id);
    ++sweeps_;
}

bool NetworkController::sweepRetired() { return sweepRetired({}); }

bool NetworkController::sweepRetired(const std::string& network_id) {
    std::vector<std::string> retired;
    {
        const Lock lock(mutex_);
        for (auto& [id, entry] : sandboxes_)
            if (entry.sandbox.ending && (network_id.empty() || entry.sandbox.find(network_id) != nullptr)) retired.push_back(id);
    }
    for (const std::string& id : retired) sweep(id);
    return !retired.empty();
}

}  // namespace davit::network
