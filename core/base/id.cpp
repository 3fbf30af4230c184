#include "base/id.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>

#include "base/check.hpp"

namespace davit {

std::string toHex(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        text += kDigits[value >> 4];
        text += kDigits[value & 15];
    }
    return text;
}

std::string randomId() {
    for (;;) {
        std::array<char, 32> bytes{};
        // Up to 256 bytes arrive whole and uninterrupted once the kernel's pool is ready (getrandom(2)).
        check(::getrandom(bytes.data(), bytes.size(), 0), "read random bytes");
        std::string id = toHex({bytes.data(), bytes.size()});
        const auto short_id = shortId(id);
        if (!std::all_of(short_id.begin(), short_id.end(), [](char c) { return c <= '9'; })) return id;
    }
}

std::string_view shortId(std::string_view id) {
    if (const auto colon = id.find(':'); colon != std::string_view::npos) id.remove_prefix(colon + 1);
    return id.substr(0, 12);
}

}  // namespace davit
