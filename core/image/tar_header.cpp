#include "image/tar_header.hpp"

#include <algorithm>
#include <charconv>

namespace davit::image {
namespace {

std::string_view field(const TarBlock& block, std::size_t offset, std::size_t length) {
    const std::string_view whole(block.data() + offset, length);
    return whole.substr(0, whole.find('\0'));
}

/// Octal with spaces or NULs around it, or base 256 when the first bit is set.
std::optional<std::uint64_t> number(const TarBlock& block, std::size_t offset, std::size_t length) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(block.data() + offset);
    std::uint64_t value = 0;
    if ((bytes[0] & 0x80U) != 0) {
        if (bytes[0] != 0x80U) return std::nullopt;
        for (std::size_t i = 1; i < length; ++i) {
            if (value >> 55U != 0) return std::nullopt;
            value = value << 8U | bytes[i];
        }
        return value;
    }
    std::size_t at = 0;
    while (at < length && bytes[at] == ' ') ++at;
    for (; at < length && bytes[at] >= '0' && bytes[at] <= '7'; ++at) value = value * 8 + (bytes[at] - '0');
    if (at < length && bytes[at] != ' ' && bytes[at] != 0) return std::nullopt;
    return value;
}

constexpr std::size_t kChecksumAt = 148;
constexpr std::size_t kChecksumSize = 8;

bool checksumHolds(const TarBlock& block) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < block.size(); ++i) {
        const bool own = i >= kChecksumAt && i < kChecksumAt + kChecksumSize;
        sum += own ? static_cast<unsigned char>(' ') : static_cast<unsigned char>(block[i]);
    }
    return number(block, kChecksumAt, kChecksumSize) == sum;
}

TarHeader::Kind kindOf(char type, const std::string& path, std::uint64_t size) {
    using Kind = TarHeader::Kind;
    switch (type) {
        case '0':
        case '\0':
            return path.ends_with('/') ? (size == 0 ? Kind::directory : Kind::strange) : Kind::file;
        case '5':
            return size == 0 ? Kind::directory : Kind::strange;
        // Readers disagree on whether content follows these when they have a size.
        case '1':
        case '2':
        case '3':
        case '4':
        case '6':
            return size == 0 ? Kind::other : Kind::strange;
        case 'L':
            return Kind::long_name;
        case 'K':
            return Kind::long_link;
        case 'x':
            return Kind::pax;
        case 'g':
            return Kind::pax_global;
        default:
            return Kind::strange;
    }
}

}  // namespace

TarHeader parseTarHeader(const TarBlock& block) {
    TarHeader header;
    const auto size = number(block, 124, 12);
    if (!size || !checksumHolds(block)) return header;
    header.size = *size;
    header.path = field(block, 0, 100);
    // Only the POSIX magic "ustar\0" has a prefix; GNU's "ustar  " has times there.
    if (std::string_view(block.data() + 257, 6) == std::string_view("ustar\0", 6)) {
        const std::string_view prefix = field(block, 345, 155);
        if (!prefix.empty()) header.path = std::string(prefix) + "/" + header.path;
    }
    header.kind = kindOf(block[156], header.path, header.size);
    return header;
}

std::optional<std::uint64_t> parseDecimal(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<std::map<std::string, std::string>> parsePax(std::string_view records) {
    std::map<std::string, std::string> values;
    while (!records.empty()) {
        const std::size_t space = records.find(' ');
        if (space == std::string_view::npos) return std::nullopt;
        const auto length = parseDecimal(records.substr(0, space));
        if (!length || *length <= space + 1 || *length > records.size() || records[*length - 1] != '\n')
            return std::nullopt;
        const std::string_view record = records.substr(space + 1, *length - space - 2);
        const std::size_t equal = record.find('=');
        if (equal == std::string_view::npos) return std::nullopt;
        values[std::string(record.substr(0, equal))] = record.substr(equal + 1);
        records.remove_prefix(*length);
    }
    return values;
}

}  // namespace davit::image
