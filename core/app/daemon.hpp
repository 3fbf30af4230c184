// Daemon: davitd composed: locks, database, drivers, stores, engine, API, and the life between the first and the last signal.
#pragma once

#include <functional>
#include <memory>

#include "app/daemon_config.hpp"

namespace davit::app {

/// Blocks the signals that Daemon::run() waits for, ignores SIGPIPE. Before the first thread.
void blockSignals();

class Daemon {
  public:
    /// Takes the locks, opens the stores, restores the containers, listens. Throws Error with what is in the way;
    /// Error{conflict} when another daemon has the data root.
    explicit Daemon(DaemonConfig config);
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    ~Daemon();

    /// Serves until SIGTERM or SIGINT; the third one ends the process at once. SIGHUP: `reread` gives the configuration
    /// anew, or throws what is wrong with it.
    void run(const std::function<DaemonConfig()>& reread);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Sets the log's level from the configuration.
void applyLogLevel(const DaemonConfig& config);

}  // namespace davit::app
