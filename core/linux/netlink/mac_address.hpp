// MAC addresses: six bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.hpp"

namespace davit::linux {

struct MacAddress {
    std::array<std::uint8_t, 6> bytes{};

    /// "02:42:ac:11:00:02", in either case; six pairs with colons.
    [[nodiscard]] static std::optional<MacAddress> parse(std::string_view text);
    /// Locally administered, for one station, from the kernel's random source.
    [[nodiscard]] static MacAddress random();
    /// 02:42 and the four bytes of an IPv4 address: who gets an address again has its old MAC, and nobody's neighbour table is
    /// wrong. Requires: IpFamily::v4.
    [[nodiscard]] static MacAddress ofAddress(const IpAddress& address);

    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::string_view raw() const noexcept { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
    bool operator==(const MacAddress&) const noexcept = default;
};

}  // namespace davit::linux
