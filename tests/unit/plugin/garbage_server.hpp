// GarbageServer: listens on a unix socket and answers each request as a script says, however wrong.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.hpp"

namespace davit::plugin::test {

class GarbageServer {
  public:
    /// Gets the request (head and what came with it) and the connection; returns false to close it.
    using Script = std::function<bool(const std::string& request, int connection)>;

    GarbageServer(const std::filesystem::path& socket, Script script);
    ~GarbageServer();
    [[nodiscard]] int connections() const { return connections_; }
    [[nodiscard]] std::vector<std::string> requests() const;

    /// A script that answers every request with this text as it is.
    static Script always(std::string answer);
    /// A response with status and JSON body.
    static std::string response(int status, const std::string& body);

  private:
    void serve();
    void talk(int connection);

    Script script_;
    UniqueFd listener_;
    UniqueFd stop_;
    std::atomic<int> connections_{0};
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    std::vector<std::thread> talks_;
    std::thread thread_;
};

}  // namespace davit::plugin::test
