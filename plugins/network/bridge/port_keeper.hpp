// PortKeeper: the driver's end of davit-port-forward, the process that keeps the sockets of published ports when the driver's own
// ends, and carries what the kernel can't translate.
#pragma once

#include <filesystem>
#include <vector>

#include "base/unique_fd.hpp"
#include "port_forward/protocol.hpp"

namespace davit::bridge {

/// One thread at a time. There is no process before something is added. Every call ends within seconds.
class PortKeeper {
  public:
    struct Kept {
        forward::Entry entry;
        UniqueFd socket;
    };
    struct Handed {
        forward::Entry entry;
        int socket = -1;
    };

    /// `directory` is where a later driver finds the process again; empty: it ends with this driver.
    explicit PortKeeper(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// What the process of an earlier driver keeps, with copies of its sockets; nothing when there is none.
    [[nodiscard]] std::vector<Kept> adopt();
    /// Takes the place of entries with the same hosts. Throws Error{system}; then the process is to be given everything anew.
    void add(const std::vector<Handed>& ports);
    void remove(const std::vector<forward::Place>& hosts);
    /// Leaves it alone: it ends if it has nothing to keep.
    void finish();
    /// Ends it, as far as it is known. Sockets that the driver has a copy of stay open.
    void abandon() noexcept;
    /// False: it has ended.
    [[nodiscard]] bool alive() const noexcept;
    /// Readable when it has ended; -1: there is none.
    [[nodiscard]] int connection() const noexcept { return connection_.get(); }

  private:
    void start();
    void startAttached();
    void ask(forward::Message& message, const std::vector<int>& descriptors);
    [[nodiscard]] forward::Message answer(std::vector<Kept>* kept = nullptr);

    const std::filesystem::path directory_;
    UniqueFd connection_;
    int pid_ = 0;
};

}  // namespace davit::bridge
