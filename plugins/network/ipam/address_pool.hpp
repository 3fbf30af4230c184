// AddressPool: which addresses of one pool are taken. Ranges, not bits: a /64 costs what is used of it.
//
// Threads: one at a time; the driver locks.
#pragma once

#include <map>
#include <optional>

#include "base/ip.hpp"

namespace davit::ipam {

class AddressPool {
  public:
    /// The addresses that are nobody's (IPv4: network and broadcast, in pools of more than two; IPv6: the first) are taken from
    /// the beginning.
    explicit AddressPool(const IpPrefix& pool);

    [[nodiscard]] const IpPrefix& prefix() const noexcept { return pool_; }
    /// False: it is taken already.
    [[nodiscard]] bool take(const IpAddress& address);
    /// The lowest free address of `range`; with `after`, the lowest above it, and from the range's beginning when there is none.
    [[nodiscard]] std::optional<IpAddress> takeLowest(const IpPrefix& range, std::optional<IpAddress> after = {});
    /// Unknown and reserved addresses are ignored.
    void release(const IpAddress& address);

  private:
    [[nodiscard]] std::optional<Uint128> lowestFree(Uint128 from, Uint128 to) const;
    [[nodiscard]] bool isReserved(const IpAddress& address) const noexcept;
    IpPrefix pool_;
    std::map<Uint128, Uint128> taken_;  ///< first -> last; disjoint and never adjacent
};

}  // namespace davit::ipam
