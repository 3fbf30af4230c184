// NetlinkBatch: requests to rtnetlink that are sent with one system call, because the round trips of single requests cost as much
// as the work itself.
//
//     NetlinkBatch batch;
//     addAddress(batch, index, *IpPrefix::parse("10.0.0.2/24"));
//     setUp(batch, index);
//     batch.run();
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/unique_fd.hpp"

namespace davit::linux {

/// Which part of the kernel is asked.
enum class NetlinkFamily { route, netfilter };

/// A connection to the kernel in the network namespace of the thread that opens it. One thread at a time.
class NetlinkSocket {
  public:
    explicit NetlinkSocket(NetlinkFamily family = NetlinkFamily::route);
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  private:
    UniqueFd fd_;
};

/// One thread. What is built front to back here is described in <linux/rtnetlink.h> and <linux/netfilter/nfnetlink.h>.
class NetlinkBatch {
  public:
    /// A request of that type with NLM_F_REQUEST and NLM_F_ACK besides `flags`. `what` is what a failure's text begins with:
    /// "create link eth0".
    void begin(std::uint16_t type, std::uint16_t flags, std::string what);
    /// One that the kernel answers only when it fails: the frame of a transaction.
    void beginUnanswered(std::uint16_t type, std::string what);
    /// The request's fixed header, or a fixed part at the start of a nested attribute.
    template <class Header>
        requires std::is_trivially_copyable_v<Header>
    void header(const Header& header) {
        bytes({reinterpret_cast<const char*>(&header), sizeof header});
    }
    void attribute(unsigned type, std::string_view content);
    /// With the NUL at its end.
    void text(unsigned type, const std::string& content);
    template <std::unsigned_integral Number>
    void number(unsigned type, Number value) {
        attribute(type, {reinterpret_cast<const char*>(&value), sizeof value});
    }
    void openNest(unsigned type);
    void closeNest();

    [[nodiscard]] bool empty() const noexcept { return requests_.empty(); }
    /// Sends all to the network namespace of the calling thread and reads every answer. Throws Error::system of the first
    /// request that failed; the kernel has tried those behind it all the same.
    void run() { run(NetlinkSocket()); }
    /// The same on a connection that stays open: closing one to netfilter waits until the kernel has freed what was removed. After
    /// an error its connection isn't to be used again.
    void run(const NetlinkSocket& socket);

  private:
    struct Request {
        std::string what;
        bool answered = true;
    };
    void start(std::uint16_t type, std::uint16_t flags, Request request);
    void bytes(std::string_view content);
    void patchLengths();

    std::string buffer_;
    std::vector<Request> requests_;
    std::size_t start_ = 0;              ///< of the last request in buffer_
    std::vector<std::size_t> nests_;     ///< open attributes
};

}  // namespace davit::linux
