// ResolverConnection: a control connection to a davit-resolver, and the process at its other end.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/process.hpp"
#include "base/unique_fd.hpp"
#include "resolver/packet.hpp"
#include "resolver/protocol.hpp"

namespace davit::network {

class ResolverConnection {
  public:
    /// To one that runs and speaks this protocol; null when there is none. What listens but doesn't answer or speaks another
    /// version is ended.
    [[nodiscard]] static std::unique_ptr<ResolverConnection> toExisting(const std::filesystem::path& socket);
    /// Starts one. Doesn't wait for it: what is sent waits in the socket. Throws Error{system}.
    [[nodiscard]] static std::unique_ptr<ResolverConnection> toNew(const std::filesystem::path& program, const std::filesystem::path& socket);

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    /// Whether it knew sandboxes before this connection.
    [[nodiscard]] bool isNew() const noexcept { return child_.has_value(); }

    /// From any thread. After a failure, or two seconds in which the other side took nothing, the connection is shut down.
    void send(const resolver::Message& message, const std::vector<int>& descriptors = {});
    /// The next answer, if one is there; `ended` when none will come.
    [[nodiscard]] std::optional<resolver::Message> receive(bool& ended);
    /// Milliseconds until the oldest unanswered message has been so for too long; std::nullopt: all are answered.
    [[nodiscard]] std::optional<int> patienceLeft() const;

    /// Ends the process if it still runs; returns how it ended.
    std::string end();
    /// Lets it live on.
    void release() noexcept;

  private:
    ResolverConnection(UniqueFd fd, UniqueFd pidfd, std::optional<ChildProcess> child)
        : fd_(std::move(fd)), pidfd_(std::move(pidfd)), child_(std::move(child)) {}

    UniqueFd fd_;
    UniqueFd pidfd_;  ///< of one that isn't our child
    std::optional<ChildProcess> child_;
    std::atomic<int> unanswered_ = 0;
    std::atomic<SteadyTime::rep> since_ = 0;  ///< when something was last answered, or first unanswered
};

}  // namespace davit::network
