// Query: one question of a client, read and answered with ldns. A value; one thread.
//
//     std::string refusal;
//     if (std::optional<Query> query = Query::parse(datagram, refusal))
//         send(query->addresses({address}, query->udpLimit()));
//     else if (!refusal.empty())
//         send(refusal);
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"

struct ldns_struct_pkt;

namespace davit::resolver {

/// Of the types that are answered here.
enum class Type : std::uint16_t { a = 1, ptr = 12, mx = 15, aaaa = 28 };
enum class Rcode : std::uint8_t { none = 0, format = 1, server_failure = 2, not_implemented = 4, refused = 5 };

/// What an upstream's message is worth.
enum class Verdict {
    foreign,  ///< not the answer to this question: go on waiting
    retry,    ///< it failed or refused: another server may know
    accepted
};

constexpr std::size_t kTcpLimit = 65535;

class Query {
  public:
    /// std::nullopt: nothing that can be answered; `refusal` is then what the sender gets, or empty: it gets nothing.
    [[nodiscard]] static std::optional<Query> parse(std::string_view message, std::string& refusal);

    /// Lower case, without the dot at its end.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::uint16_t type() const noexcept { return type_; }
    [[nodiscard]] bool is(Type type) const noexcept { return type_ == static_cast<std::uint16_t>(type); }
    /// The address that a name below in-addr.arpa or ip6.arpa stands for.
    [[nodiscard]] std::optional<IpAddress> reverseAddress() const;
    /// Bytes that the client takes in a datagram.
    [[nodiscard]] std::size_t udpLimit() const noexcept { return udp_limit_; }

    // Replies. What is longer than `limit` is cut, and says so.
    [[nodiscard]] std::string addresses(std::vector<IpAddress> found, std::size_t limit) const;
    [[nodiscard]] std::string pointer(const std::string& host, std::size_t limit) const;
    /// Without records: an rcode of none says that the name exists.
    [[nodiscard]] std::string empty(Rcode rcode) const;

    /// The client's message under another id.
    [[nodiscard]] std::string forwarded(std::uint16_t id) const;
    [[nodiscard]] Verdict judge(std::string_view reply, std::uint16_t id) const;
    /// An accepted reply for the client.
    [[nodiscard]] std::string returned(std::string_view reply, std::size_t limit) const;

  private:
    struct Release {
        void operator()(ldns_struct_pkt* packet) const noexcept;
    };
    using Packet = std::unique_ptr<ldns_struct_pkt, Release>;
    Query() = default;
    [[nodiscard]] Packet reply(Rcode rcode) const;
    [[nodiscard]] std::string truncated(Rcode rcode) const;

    std::string message_;
    Packet packet_;
    std::string name_;
    std::uint16_t type_ = 0;
    std::size_t udp_limit_ = 512;
};

}  // namespace davit::resolver
