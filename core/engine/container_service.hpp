// ContainerService: the use-cases of a container's life. Every public function may be called from any thread; each refers to
// a container by full id, unique id prefix or name (with or without a slash) and throws Error with Docker's text:
//
//     not_found  No such container: x          invalid   the request is wrong (400)
//     conflict   the state forbids it (409)    system    it failed (500)
//
// Readers (list, inspect) never wait for an operation. Operations on one container follow each other; different containers
// don't know of each other. What a client is told has been committed before.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_stream.hpp"
#include "base/unique_fd.hpp"
#include "engine/container.hpp"
#include "engine/container_stats.hpp"
#include "engine/filters.hpp"
#include "runtime/log_reader.hpp"

namespace davit::engine {

class EngineCore;

struct CreateRequest {
    std::string name;      ///< empty: one is made up
    std::string platform;  ///< "os[/arch]" or empty
    runtime::ContainerConfig config;
    runtime::HostConfig host_config;
    /// NetworkingConfig.EndpointsConfig of the request: network name or id → what is asked for.
    std::map<std::string, network::EndpointConfig> endpoints;
};

struct CreateResult {
    std::string id;
    std::vector<std::string> warnings;
};

struct ListOptions {
    bool all = false;
    int limit = 0;  ///< the last n created, running or not; 0: no limit
    bool size = false;
    Filters filters;
};

struct StopOptions {
    std::string signal;          ///< empty: the container's own
    std::optional<int> timeout;  ///< seconds; absent: the container's own; negative: wait for ever
    bool by_daemon = false;      ///< no client wants it stopped: its restart policy stays in force
};

struct RemoveOptions {
    bool force = false;
    bool volumes = false;
    bool link = false;  ///< remove a legacy link instead; refused: there are none
};

/// POST /containers/{id}/update; what is zero or empty stays as it is.
struct UpdateRequest {
    runtime::Resources resources;
    runtime::RestartPolicy restart_policy;
};

struct PrunedContainers {
    std::vector<std::string> ids;
    std::int64_t space_reclaimed = 0;
};

/// What `ps` shows: the columns' titles, and one row for each process.
struct ProcessTable {
    std::vector<std::string> titles;
    std::vector<std::vector<std::string>> processes;
};

enum class WaitCondition { not_running, next_exit, removed };

struct WaitResult {
    int exit_code = 0;
    std::string error;  ///< reply's Error.Message; empty: none
};

/// The logs are no business of attach(): the API replays them (logs()) before it hands the socket over.
struct AttachOptions {
    bool stdin_ = false;
    bool stdout_ = false;
    bool stderr_ = false;
    std::string detach_keys;  ///< empty: the config's, else ctrl-p,ctrl-q
    bool stream = true;       ///< false: the client only wanted the logs; its socket is closed
};

/// A wait() that nobody wants any more is taken back by destroying its ticket. The callback isn't called after that.
class WaitTicket {
  public:
    virtual ~WaitTicket() = default;
};

/// What logs() hands over: the reader, and whether its bytes are framed (not for a tty); `running` says that
/// following makes sense.
struct LogStream {
    bool tty = false;
    bool running = false;
    std::unique_ptr<runtime::LogReader> reader;
};

class ContainerService {
  public:
    explicit ContainerService(EngineCore& core);
    ContainerService(const ContainerService&) = delete;
    ContainerService& operator=(const ContainerService&) = delete;
    ~ContainerService();

    // --- readers ---
    /// Newest first. Throws Error{invalid} for a filter that doesn't exist.
    [[nodiscard]] std::vector<Container> list(const ListOptions& options) const;
    [[nodiscard]] Container inspect(const std::string& ref, bool size = false) const;
    /// What it uses now. Reads files of the kernel only.
    [[nodiscard]] ContainerStats stats(const std::string& ref) const;
    /// The host's `ps` with these arguments, for the container's processes only.
    [[nodiscard]] ProcessTable top(const std::string& ref, const std::string& ps_arguments) const;
    [[nodiscard]] LogStream logs(const std::string& ref, const runtime::LogQuery& query) const;

    // --- operations ---
    /// Validates, makes the writable layer and commits. Error{not_found} "No such image: x" when the image isn't there.
    CreateResult create(CreateRequest request);
    /// False: it runs already (304). A program that can't be run is Error{invalid} with Docker's text, exit code 126 or 127.
    bool start(const std::string& ref, const std::string& detach_keys = {});
    /// Blocks until it has stopped. False: it doesn't run (304).
    bool stop(const std::string& ref, const StopOptions& options);
    /// Stops it if it runs, and starts it.
    void restart(const std::string& ref, const StopOptions& options);
    void pause(const std::string& ref);
    void unpause(const std::string& ref);
    /// Error{conflict} when the name is taken.
    void rename(const std::string& ref, std::string name);
    /// `signal`: "KILL", "SIGKILL", "9" or empty for KILL. Returns when the signal is sent; after KILL when it is dead.
    void kill(const std::string& ref, const std::string& signal);
    void remove(const std::string& ref, const RemoveOptions& options);
    void resize(const std::string& ref, unsigned height, unsigned width);
    /// Changes limits, of a running container at once, and the restart policy. Returns warnings.
    std::vector<std::string> update(const std::string& ref, const UpdateRequest& request);
    /// Removes those that don't run and that the filters (until, label, label!) choose. Error{conflict} while another prune is
    /// under way.
    PrunedContainers prune(const Filters& filters);

    /// Calls `done` once, from any thread or at once: when the condition holds. The reference is resolved before it returns.
    [[nodiscard]] std::unique_ptr<WaitTicket> wait(const std::string& ref, WaitCondition condition,
                                                   std::function<void(WaitResult)> done);

    /// Throws what attach() would throw for the container's state; the API asks before it answers 101.
    struct AttachInfo {
        std::string id;
        bool tty = false;
    };
    [[nodiscard]] AttachInfo checkAttach(const std::string& ref) const;
    struct AttachClient {
        UniqueFd socket;
        std::string early;     ///< what the client sent behind its request
        std::string greeting;  ///< the reply's head: sent when the client can't miss a byte any more
    };
    /// Hands the client's socket over: to the shim of a running container, else kept until it starts. Returns at once.
    void attach(const std::string& ref, const AttachOptions& options, AttachClient client);

  private:
    EngineCore& core_;
    std::atomic<bool> pruning_{false};
};

}  // namespace davit::engine
