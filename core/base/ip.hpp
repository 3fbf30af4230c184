// IP addresses and prefixes as values: parsed and printed by the C library, counted with as 128-bit numbers.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace davit {

__extension__ using Uint128 = unsigned __int128;

enum class IpFamily { v4, v6 };

/// Bits of an address: 32 or 128.
[[nodiscard]] constexpr unsigned ipBits(IpFamily family) noexcept { return family == IpFamily::v4 ? 32 : 128; }

struct IpAddress {
    IpFamily family = IpFamily::v4;
    Uint128 number = 0;

    /// "10.0.0.1", "fd00::1"; no zone, no octal digits, nothing around it.
    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    auto operator<=>(const IpAddress&) const noexcept = default;
};

/// An address and how many of its leading bits name the network. The address may have host bits ("10.0.0.5/24").
struct IpPrefix {
    IpAddress address;
    unsigned length = 0;

    [[nodiscard]] static std::optional<IpPrefix> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    /// The same without host bits.
    [[nodiscard]] IpPrefix network() const noexcept;
    [[nodiscard]] IpAddress first() const noexcept;
    [[nodiscard]] IpAddress last() const noexcept;
    [[nodiscard]] bool contains(const IpAddress& inner) const noexcept;
    [[nodiscard]] bool contains(const IpPrefix& inner) const noexcept;
    [[nodiscard]] bool overlaps(const IpPrefix& other) const noexcept;
    auto operator<=>(const IpPrefix&) const noexcept = default;
};

}  // namespace davit
