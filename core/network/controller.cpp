#include "network/controller.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace davit::network {

state::Schema NetworkController::schema() { return NetworkRows::schema(); }

NetworkController::NetworkController(ControllerOptions options, state::Database& database, DriverSource& drivers)
    : options_(std::move(options)),
      drivers_(drivers),
      rows_(database),
      addresses_(drivers),
      spare_namespaces_(options_.prepared),
      resolver_(options_.resolver.empty() ? nullptr
                                          : std::make_unique<ResolverClient>(ResolverOptions{
                                                .program = options_.resolver, .socket = options_.exec_root / "resolver.sock"})) {}

NetworkController::~NetworkController() = default;

std::shared_ptr<NetworkDriver> NetworkController::driverOf(const Network& network) {
    return drivers_.network(network.config.driver);
}

std::vector<Network> NetworkController::list() const {
    std::vector<Network> found;
    {
        const Lock lock(mutex_);
        for (const auto& [id, entry] : networks_)
            if (!entry.busy) found.push_back(entry.network);
    }
    std::sort(found.begin(), found.end(), [](const Network& a, const Network& b) { return a.created < b.created; });
    return found;
}

NetworkController::NetworkMap::const_iterator NetworkController::findEntry(const std::string& ref) const {
    const auto usable = [](const auto& item) { return !item.second.busy; };
    if (const auto exact = networks_.find(ref); exact != networks_.end() && usable(*exact)) return exact;
    const auto named = std::find_if(networks_.begin(), networks_.end(), [&](const auto& item) {
        return usable(item) && item.second.network.config.name == ref;
    });
    if (named != networks_.end()) return named;
    auto found = networks_.end();
    std::size_t matches = 0;
    for (auto at = networks_.lower_bound(ref); !ref.empty() && at != networks_.end() && at->first.starts_with(ref); ++at) {
        if (!usable(*at)) continue;
        found = at;
        ++matches;
    }
    if (matches > 1) throw error(Code::invalid, "network {} is ambiguous ({} matches found on ID prefix)", ref, matches);
    if (matches == 0) throw error(Code::not_found, "network {} not found", ref);
    return found;
}

Network NetworkController::find(const std::string& ref) const {
    const Lock lock(mutex_);
    return findEntry(ref)->second.network;
}

std::optional<Network> NetworkController::known(const std::string& id) const {
    const Lock lock(mutex_);
    const auto found = networks_.find(id);
    if (found == networks_.end()) return std::nullopt;
    return found->second.network;
}

bool NetworkController::inUse(const std::string& id) const {
    const Lock lock(mutex_);
    return !endpointsText(id).empty();
}

std::string NetworkController::defaultNetwork() const {
    const Lock lock(mutex_);
    return has_standard_ ? options_.standard->name : "none";
}

std::optional<Sandbox> NetworkController::sandboxOf(const std::string& container_id) const {
    const Lock lock(mutex_);
    const auto found = by_container_.find(container_id);
    if (found == by_container_.end()) return std::nullopt;
    return sandboxes_.at(found->second).sandbox;
}

}  // namespace davit::network
