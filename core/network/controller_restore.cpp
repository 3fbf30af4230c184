#include <algorithm>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "network/controller.hpp"
#include "network/alone.hpp"
#include "network/net_namespace.hpp"
#include "oci/digest.hpp"

namespace davit::network {

void NetworkController::restoreNetwork(const NetworkRow& row) {
    const Network& network = row.network;
    if (!row.damage.empty()) throw error(Code::system, "its record is damaged: {}", row.damage);
    const bool has_drivers = !network.config.config_only;
    if (has_drivers) {
        drivers_.expect(network.config.driver);
        drivers_.expect(network.config.ipam.driver);
    }
    if (row.state == NetworkState::ready) {
        const Lock lock(mutex_);
        networks_[network.id] = {.network = network, .pools_forgotten = has_drivers, .forgotten = has_drivers};
        return;
    }
    log::info("removing the network {}, whose {} was interrupted", network.config.name,
              row.state == NetworkState::creating ? "creation" : "removal");
    if (has_drivers && addresses_.needsReplay(network)) addresses_.replayPools(network);
    unmake(network);
    rows_.remove(network.id, state::Durability::synced);
}

void NetworkController::restoreSandbox(const SandboxRow& row) {
    if (!row.damage.empty()) {
        rows_.removeSandbox(row.sandbox.id);
        throw error(Code::system, "its record is damaged: {}", row.damage);
    }
    Sandbox sandbox = row.sandbox;
    // Without its namespace nothing can run in it: the machine has been started anew.
    if (!std::filesystem::exists(sandbox.key)) sandbox.ending = true;
    const Lock lock(mutex_);
    sandboxes_[sandbox.id] = {sandbox, false};
    if (!sandbox.ending) by_container_[sandbox.container_id] = sandbox.id;
}

void NetworkController::restore() {
    for (const NetworkRow& row : rows_.networks())
        alone("network " + row.network.config.name, [&] { restoreNetwork(row); });
    for (const SandboxRow& row : rows_.sandboxes()) alone("sandbox " + row.sandbox.id, [&] { restoreSandbox(row); });
    restateOwn();
    makePredefined();
}

/// A predefined network that isn't there yet.
void NetworkController::makeFirst(Network network) {
    network.created = now();
    network.predefined = true;
    rows_.intendCreate(network);
    make(network);
    rows_.save(network, NetworkState::ready);
    const Lock lock(mutex_);
    networks_[network.id] = {.network = network};
}

void NetworkController::makePredefined() {
    alone("network none", [&] { makeWithoutInterface("none", false); });
    alone("network host", [&] { makeWithoutInterface("host", true); });
    makeStandard();
}

/// Whether the standard network may be replaced by one that is configured otherwise: not under running containers.
bool NetworkController::mayReplace(const Network& network) {
    if (inUse(network.id)) {
        log::warning("network {}: there are running containers, the updated network configuration takes effect without them",
                     network.config.name);
        return false;
    }
    erase(network);
    forget(network.id);
    return true;
}

void NetworkController::makeStandard() {
    std::optional<NetworkConfig> wanted = options_.standard;
    if (wanted && wanted->ipam.driver.empty()) wanted->ipam.driver = options_.default_ipam_driver;
    if (wanted && (!hasOwn(DriverKind::network, wanted->driver) || !hasOwn(DriverKind::ipam, wanted->ipam.driver))) return;
    std::optional<Network> present;
    for (const Network& one : list())
        if (one.predefined && one.hasEndpoints()) present = one;
    {
        const Lock lock(mutex_);
        has_standard_ = wanted.has_value();
    }
    if (present && wanted && present->config == *wanted) return;
    alone("network " + (wanted ? wanted->name : present ? present->config.name : ""), [&] {
        if ((present && !mayReplace(*present)) || !wanted) return;
        makeFirst({.id = randomId(), .created = now(), .config = *wanted, .pools = {}});
    });
}

/// "host" and "none": backed by whatever driver of this daemon says that it is of that kind.
void NetworkController::makeWithoutInterface(const std::string& name, bool host_namespace) {
    Network network;
    // Predefined, so its id needs no store: the same on every host.
    network.id = std::string(oci::digestHex(oci::sha256("davit predefined network " + name)));
    if (known(network.id)) return;
    network.config.name = name;
    network.config.ipam.driver = options_.default_ipam_driver;
    for (const std::string& driver : drivers_.ownDrivers(DriverKind::network)) {
        NetworkCapabilities can;
        try {
            can = drivers_.network(driver)->capabilities();
        } catch (const Error& failure) {  // one that isn't for this host; it says so where drivers are listed
            log::debug("network driver {}: {}", driver, failure.text());
            continue;
        }
        if (host_namespace ? !can.host_namespace : !can.no_interface) continue;
        network.config.driver = driver;
        return makeFirst(std::move(network));
    }
}

std::vector<std::string> NetworkController::retireOthers(const std::set<std::string>& running) {
    std::vector<std::string> retired;
    std::vector<std::string> kept;
    {
        const Lock lock(mutex_);
        for (auto& [id, entry] : sandboxes_) {
            const auto run = by_container_.find(entry.sandbox.container_id);
            const bool of_run = run != by_container_.end() && run->second == id && running.contains(run->first);
            if (of_run) {
                kept.push_back(id);
                continue;
            }
            entry.sandbox.ending = true;
            if (run != by_container_.end() && run->second == id) by_container_.erase(run);
            retired.push_back(id);
        }
    }
    for (const std::string& id : kept) alone("sandbox " + id, [&] { removeUnfinished(id); });
    restoreNames(kept);
    removeUnknownNamespaces();
    return retired;
}

/// Endpoints that were being made or removed when the last daemon ended.
void NetworkController::removeUnfinished(const std::string& sandbox_id) {
    Sandbox sandbox;
    {
        const Lock lock(mutex_);
        sandbox = sandboxes_.at(sandbox_id).sandbox;
    }
    const auto unfinished = [](const Endpoint& one) { return one.phase != Endpoint::Phase::attached; };
    if (std::none_of(sandbox.endpoints.begin(), sandbox.endpoints.end(), unfinished)) return;
    for (const Endpoint& endpoint : sandbox.endpoints)
        if (unfinished(endpoint)) detachLive(sandbox, endpoint);
    std::erase_if(sandbox.endpoints, unfinished);
    updateGateway(sandbox);
    rows_.update(sandbox);
    publish(sandbox);
}

void NetworkController::removeUnknownNamespaces() {
    std::set<std::string> keys;
    {
        const Lock lock(mutex_);
        for (const auto& [id, entry] : sandboxes_) keys.insert(entry.sandbox.key);
    }
    for (const std::filesystem::path& path : namespaceFiles(options_.exec_root / "netns"))
        if (!keys.contains(path.string()))
            alone(path.string(), [&] {
                log::warning("removing the network namespace {}, which belongs to no container", path.string());
                removeNamespace(path);
            });
}

}  // namespace davit::network
