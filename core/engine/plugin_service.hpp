// PluginService: the use-cases of managed plugins: what the API's /plugins does. References as in managed::ManagedPlugins. Threads: any.
// Throws Error with Docker's texts; what a client is told has been committed before.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/filters.hpp"
#include "managed/managed_plugins.hpp"
#include "plugin/call_trace.hpp"

namespace davit::engine {

class EngineCore;

class PluginService {
  public:
    PluginService(EngineCore& core, managed::ManagedPlugins& plugins);
    PluginService(const PluginService&) = delete;
    PluginService& operator=(const PluginService&) = delete;
    ~PluginService();

    /// Throws Error{invalid} for a filter that doesn't exist.
    [[nodiscard]] std::vector<managed::Plugin> list(const Filters& filters) const;
    [[nodiscard]] managed::Plugin inspect(const std::string& ref) const { return plugins_.inspect(ref); }
    void create(const std::string& name, ByteSource& tar);
    void enable(const std::string& ref, std::chrono::seconds timeout);
    void disable(const std::string& ref, bool force);
    void set(const std::string& ref, const std::vector<std::string>& assignments) { plugins_.set(ref, assignments); }
    managed::Plugin remove(const std::string& ref, bool force);
    /// Listens to the calls of the drivers of that name, as plugin::DriverRegistry::trace(). Not only managed plugins have drivers.
    [[nodiscard]] std::unique_ptr<plugin::TraceListener> trace(const std::string& name, std::optional<DriverKind> kind);

  private:
    EngineCore& core_;
    managed::ManagedPlugins& plugins_;
};

}  // namespace davit::engine
