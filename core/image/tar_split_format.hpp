// The side stream's bytes, shared by the recorder and the assembler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace davit::image {

inline constexpr std::string_view kSplitMagic = "davit-split1\n";

inline std::span<const std::byte> asBytes(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string littleEndian(std::uint64_t value, std::size_t width) {
    std::string text;
    for (std::size_t i = 0; i < width; ++i) text += static_cast<char>(value >> (8 * i) & 0xffU);
    return text;
}

}  // namespace davit::image
