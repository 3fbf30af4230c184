// The few fields of a tar header that the split recorder needs. Everything unusual is "strange": then the recorder
// stops to interpret and keeps the rest verbatim.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace davit::image {

inline constexpr std::size_t kTarBlock = 512;
using TarBlock = std::array<char, kTarBlock>;

struct TarHeader {
    enum class Kind { file, directory, other, long_name, long_link, pax, pax_global, strange };
    Kind kind = Kind::strange;
    std::string path;
    std::uint64_t size = 0;  ///< of what follows
};

/// Reads one block that isn't all zeros. A wrong checksum makes it strange.
[[nodiscard]] TarHeader parseTarHeader(const TarBlock& block);

/// The records "length key=value\n" of a pax header. std::nullopt when they are malformed.
[[nodiscard]] std::optional<std::map<std::string, std::string>> parsePax(std::string_view records);

/// Decimal digits only; std::nullopt for anything else.
[[nodiscard]] std::optional<std::uint64_t> parseDecimal(std::string_view text);

}  // namespace davit::image
