#include "base/ip.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstring>

namespace davit {
namespace {

/// The bits that name a host: `count` ones at the low end.
constexpr Uint128 lowBits(unsigned count) noexcept {
    return count >= 128 ? ~Uint128{0} : (Uint128{1} << count) - 1;
}

std::size_t byteCount(IpFamily family) { return ipBits(family) / 8; }
int systemFamily(IpFamily family) { return family == IpFamily::v4 ? AF_INET : AF_INET6; }

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    const IpFamily family = text.find(':') == std::string_view::npos ? IpFamily::v4 : IpFamily::v6;
    const std::string terminated(text);
    std::array<unsigned char, 16> bytes{};
    if (terminated.size() != ::strnlen(terminated.c_str(), terminated.size())) return std::nullopt;
    if (::inet_pton(systemFamily(family), terminated.c_str(), bytes.data()) != 1) return std::nullopt;
    IpAddress address{family, 0};
    for (std::size_t i = 0; i < byteCount(family); ++i) address.number = address.number << 8 | bytes[i];
    return address;
}

std::string IpAddress::text() const {
    std::array<unsigned char, 16> bytes{};
    Uint128 rest = number;
    for (std::size_t i = byteCount(family); i > 0; --i, rest >>= 8) bytes[i - 1] = static_cast<unsigned char>(rest & 0xff);
    char buffer[INET6_ADDRSTRLEN];
    return ::inet_ntop(systemFamily(family), bytes.data(), buffer, sizeof buffer);
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto address = IpAddress::parse(text.substr(0, slash));
    const std::string_view digits = text.substr(slash + 1);
    unsigned length = 0;
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (!address || digits.empty() || status != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    if (length > ipBits(address->family)) return std::nullopt;
    return IpPrefix{*address, length};
}

std::string IpPrefix::text() const { return address.text() + "/" + std::to_string(length); }

IpPrefix IpPrefix::network() const noexcept { return {first(), length}; }

IpAddress IpPrefix::first() const noexcept {
    return {address.family, address.number & ~lowBits(ipBits(address.family) - length)};
}

IpAddress IpPrefix::last() const noexcept {
    return {address.family, address.number | lowBits(ipBits(address.family) - length)};
}

bool IpPrefix::contains(const IpAddress& inner) const noexcept {
    return inner.family == address.family && inner.number >= first().number && inner.number <= last().number;
}

bool IpPrefix::contains(const IpPrefix& inner) const noexcept { return contains(inner.first()) && contains(inner.last()); }

bool IpPrefix::overlaps(const IpPrefix& other) const noexcept {
    return contains(other.first()) || other.contains(first());
}

}  // namespace davit
