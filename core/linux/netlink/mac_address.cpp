#include "linux/netlink/mac_address.hpp"

#include <fmt/core.h>
#include <sys/random.h>

#include "base/check.hpp"

namespace davit::linux {
namespace {

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::optional<MacAddress> MacAddress::parse(std::string_view text) {
    if (text.size() != 17) return std::nullopt;
    MacAddress result;
    for (std::size_t i = 0; i < 6; ++i) {
        const int high = digit(text[3 * i]), low = digit(text[3 * i + 1]);
        if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':')) return std::nullopt;
        result.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return result;
}

MacAddress MacAddress::random() {
    MacAddress result;
    check(::getrandom(result.bytes.data(), result.bytes.size(), 0), "read random bytes");
    result.bytes[0] = static_cast<std::uint8_t>((result.bytes[0] & 0xfcU) | 0x02U);
    return result;
}

MacAddress MacAddress::ofAddress(const IpAddress& address) {
    const auto number = static_cast<std::uint32_t>(address.number);
    MacAddress result{{0x02, 0x42, 0, 0, 0, 0}};
    for (unsigned i = 0; i < 4; ++i) result.bytes[2 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
    return result;
}

std::string MacAddress::text() const {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]);
}

}  // namespace davit::linux
