// ExecService: further processes in a running container. An exec lives in memory only, as in dockerd; the shim runs it.
// Threads and errors as in container_service.hpp; an unknown id is Error{not_found} "No such exec instance: x".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"

namespace davit::engine {

class EngineCore;

/// The body of POST /containers/{id}/exec.
struct ExecConfig {
    std::vector<std::string> cmd;
    std::vector<std::string> env;
    std::string user;
    std::string working_dir;
    std::string detach_keys;
    bool tty = false;
    bool attach_stdin = false;
    bool attach_stdout = false;
    bool attach_stderr = false;
    bool privileged = false;
    std::optional<std::pair<unsigned, unsigned>> console_size;  ///< height, width
};

/// What GET /exec/{id}/json shows.
struct Exec {
    std::string id;
    std::string container_id;
    ExecConfig config;
    bool running = false;
    std::optional<int> exit_code;
    int pid = 0;
    bool can_remove = false;
};

struct ExecStart {
    bool detach = false;
    bool tty = false;
    std::optional<std::pair<unsigned, unsigned>> console_size;  ///< height, width
};

class ExecService {
  public:
    explicit ExecService(EngineCore& core);

    /// Error{invalid} "No exec command specified"; Error{conflict} when the container doesn't run or is paused.
    std::string create(const std::string& container, ExecConfig config);
    /// Throws what start() would throw before anything runs; the API asks before it answers 101.
    [[nodiscard]] Exec checkStart(const std::string& id) const;
    /// Runs it and hands the client's socket to the shim; `client` is empty when detached. Returns when the program has been
    /// started. A program that can't be run: Error{invalid} with the runtime's text, and exit code 126 or 127.
    void start(const std::string& id, const ExecStart& options, UniqueFd client, std::string early);
    void resize(const std::string& id, unsigned height, unsigned width);
    [[nodiscard]] Exec inspect(const std::string& id) const;

  private:
    EngineCore& core_;
};

}  // namespace davit::engine
