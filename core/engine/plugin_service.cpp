#include "engine/plugin_service.hpp"

#include <algorithm>

#include "engine/core.hpp"

namespace davit::engine {
namespace {

/// Whether something was made with the plugin's drivers: it would be out of reach without it.
bool hasUsers(const EngineCore& core, const managed::Plugin& plugin) {
    if (core.parts.volumes.hasVolumes(plugin.name)) return true;
    const std::vector<network::Network> networks = core.parts.networks.list();
    return std::any_of(networks.begin(), networks.end(), [&](const network::Network& network) {
        const auto isIts = [&](DriverKind kind, const std::string& driver) {
            return core.parts.drivers.canonicalName(kind, driver) == plugin.name;
        };
        return isIts(DriverKind::network, network.config.driver) || isIts(DriverKind::ipam, network.config.ipam.driver);
    });
}

void announce(EventLog& events, const managed::Plugin& plugin, std::string action) {
    events.publish(EventType::plugin, std::move(action), plugin.id, {{"name", plugin.name}});
}

}  // namespace

PluginService::PluginService(EngineCore& core, managed::ManagedPlugins& plugins) : core_(core), plugins_(plugins) {
    plugins_.setUsers([&core](const managed::Plugin& plugin) { return hasUsers(core, plugin); });
}

PluginService::~PluginService() { plugins_.setUsers({}); }

std::vector<managed::Plugin> PluginService::list(const Filters& filters) const {
    filters.allowOnly({"enabled", "capability"});
    const bool by_state = filters.has("enabled");
    const bool enabled = filters.boolean("enabled", true);
    std::vector<managed::Plugin> found = plugins_.list();
    std::erase_if(found, [&](const managed::Plugin& plugin) {
        if (by_state && plugin.enabled != enabled) return true;
        const std::vector<std::string>& capabilities = filters.values("capability");
        return !std::all_of(capabilities.begin(), capabilities.end(), [&](const std::string& one) { return plugin.config.offers(one); });
    });
    return found;
}

void PluginService::create(const std::string& name, ByteSource& tar) { announce(core_.event_log, plugins_.create(name, tar), "create"); }

void PluginService::enable(const std::string& ref, std::chrono::seconds timeout) {
    announce(core_.event_log, plugins_.enable(ref, timeout), "enable");
}

void PluginService::disable(const std::string& ref, bool force) { announce(core_.event_log, plugins_.disable(ref, force), "disable"); }

managed::Plugin PluginService::remove(const std::string& ref, bool force) {
    managed::Plugin plugin = plugins_.remove(ref, force);
    announce(core_.event_log, plugin, "remove");
    return plugin;
}

std::unique_ptr<plugin::TraceListener> PluginService::trace(const std::string& name, std::optional<DriverKind> kind) {
    return core_.parts.drivers.trace(name, kind);
}

}  // namespace davit::engine
