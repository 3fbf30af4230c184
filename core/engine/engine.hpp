// Engine: the use-cases composed. Built by the daemon's main over the stores and the drivers, used by api/ through its
// services.
//
// Ownership: the caller keeps database, stores, registry and controllers alive longer than the engine. Threads: the
// services from any thread; restore(), reload() and shutdown() from main.
#pragma once

#include <memory>
#include <vector>

#include "engine/container_service.hpp"
#include "engine/event_log.hpp"
#include "engine/exec_service.hpp"
#include "engine/image_service.hpp"
#include "engine/network_service.hpp"
#include "engine/options.hpp"
#include "engine/plugin_service.hpp"
#include "engine/system_service.hpp"
#include "engine/volume_service.hpp"
#include "image/image_store.hpp"
#include "image/layer_store.hpp"
#include "network/controller.hpp"
#include "plugin/registry.hpp"
#include "state/database.hpp"
#include "volume/controller.hpp"

namespace davit::engine {

struct EngineParts {
    state::Database& database;
    image::LayerStore& layers;
    image::ImageStore& images;
    plugin::DriverRegistry& drivers;
    std::string storage_driver;  ///< the name of the driver below `layers`
    network::NetworkController& networks;
    volume::VolumeController& volumes;
};

class Engine {
  public:
    /// The tables the engine and its plugins keep; part of DatabaseOptions::schemas.
    [[nodiscard]] static std::vector<state::Schema> schemas();

    Engine(EngineOptions options, EngineParts parts);
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    ~Engine();

    /// Before requests are served: reads the rows, finds running containers again, finishes what was half done, removes what
    /// nobody knows. One object's fault is that object's: it is logged and the object shown as dead.
    void restore();
    /// Takes over the options marked (reload).
    void reload(const EngineOptions& options);
    /// Stops the containers, and then the managed plugins, when live_restore is off; ends followers and waiters. Requests are no longer served by then.
    void shutdown();

    [[nodiscard]] ContainerService& containers() noexcept;
    [[nodiscard]] EventLog& events() noexcept;
    [[nodiscard]] ExecService& execs() noexcept;
    [[nodiscard]] ImageService& images() noexcept;
    [[nodiscard]] NetworkService& networks() noexcept;
    [[nodiscard]] PluginService& plugins() noexcept;
    [[nodiscard]] SystemService& system() noexcept;
    [[nodiscard]] VolumeService& volumes() noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace davit::engine
