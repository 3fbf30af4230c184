#include "conformance/tar.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "conformance/rule.hpp"

namespace davit::conformance {
namespace {

constexpr std::size_t kBlock = 512;

void putOctal(char* field, std::size_t width, std::uint64_t value) {
    for (std::size_t i = width - 1; i-- > 0; value /= 8) field[i] = static_cast<char>('0' + value % 8);
}

void pad(std::string& out) { out.append((kBlock - out.size() % kBlock) % kBlock, '\0'); }

void putHeader(std::string& out, const TarEntry& entry, std::size_t size) {
    std::array<char, kBlock> block{};
    char* at = block.data();
    std::memcpy(at, entry.name.data(), std::min<std::size_t>(entry.name.size(), 100));
    putOctal(at + 100, 8, entry.mode);
    putOctal(at + 108, 8, entry.uid);
    putOctal(at + 116, 8, entry.gid);
    putOctal(at + 124, 12, size);
    putOctal(at + 136, 12, static_cast<std::uint64_t>(entry.mtime));
    std::memset(at + 148, ' ', 8);
    at[156] = entry.type;
    std::memcpy(at + 157, entry.target.data(), std::min<std::size_t>(entry.target.size(), 100));
    std::memcpy(at + 257, "ustar\0" "00", 8);
    putOctal(at + 329, 8, entry.major);
    putOctal(at + 337, 8, entry.minor);
    unsigned sum = 0;
    for (const char c : block) sum += static_cast<unsigned char>(c);
    putOctal(at + 148, 7, sum);
    at[155] = ' ';
    out.append(at, kBlock);
}

// "LENGTH key=value\n", where LENGTH counts itself.
std::string paxRecord(const std::string& key, const std::string& value) {
    const std::size_t rest = key.size() + value.size() + 3;
    std::size_t length = rest + std::to_string(rest).size();
    length = rest + std::to_string(length).size();
    return std::to_string(length) + " " + key + "=" + value + "\n";
}

std::uint64_t octal(std::string_view field) {
    std::uint64_t value = 0;
    if (!field.empty() && (static_cast<unsigned char>(field[0]) & 0x80U) != 0) {  // base 256
        for (const char c : field.substr(1)) value = value << 8U | static_cast<unsigned char>(c);
        return value;
    }
    for (const char c : field)
        if (c >= '0' && c <= '7') value = value * 8 + static_cast<std::uint64_t>(c - '0');
    return value;
}

std::string_view text(std::string_view field) { return field.substr(0, field.find('\0')); }

std::string paxPath(std::string_view records) {
    while (!records.empty()) {
        const auto space = records.find(' ');
        if (space == std::string_view::npos) break;
        const auto length = static_cast<std::size_t>(std::strtoul(std::string(records.substr(0, space)).c_str(), nullptr, 10));
        if (length <= space || length > records.size()) break;
        const std::string_view record = records.substr(space + 1, length - space - 2);
        if (record.starts_with("path=")) return std::string(record.substr(5));
        records.remove_prefix(length);
    }
    return {};
}

}  // namespace

std::string makeTar(const std::vector<TarEntry>& entries) {
    std::string out;
    for (const TarEntry& entry : entries) {
        std::string pax;
        if (entry.name.size() > 100) pax += paxRecord("path", entry.name);
        if (entry.target.size() > 100) pax += paxRecord("linkpath", entry.target);
        for (const auto& [name, value] : entry.xattrs) pax += paxRecord("SCHILY.xattr." + name, value);
        if (!pax.empty()) {
            putHeader(out, {.name = "pax", .type = 'x'}, pax.size());
            out += pax;
            pad(out);
        }
        putHeader(out, entry, entry.content.size());
        out += entry.content;
        pad(out);
    }
    return out.append(2 * kBlock, '\0');
}

std::map<std::string, char> listTar(std::string_view archive) {
    std::map<std::string, char> result;
    std::string long_name;
    for (std::size_t at = 0; at + kBlock <= archive.size();) {
        const std::string_view header = archive.substr(at, kBlock);
        if (header[0] == '\0') break;
        expect(header.substr(257, 5) == "ustar", "the diff is no tar archive");
        const std::size_t size = octal(header.substr(124, 12));
        const char type = header[156] == '\0' ? '0' : header[156];
        expect(at + kBlock + size <= archive.size(), "the diff's tar archive is cut short");
        const std::string_view content = archive.substr(at + kBlock, size);
        at += kBlock + (size + kBlock - 1) / kBlock * kBlock;
        if (type == 'g') continue;
        if (type == 'x' || type == 'L') {
            const std::string name = type == 'x' ? paxPath(content) : std::string(text(content));
            if (!name.empty()) long_name = name;
            continue;
        }
        std::string name(text(header.substr(0, 100)));
        if (const auto prefix = text(header.substr(345, 155)); !prefix.empty()) name = std::string(prefix) + "/" + name;
        if (!long_name.empty()) name = std::exchange(long_name, {});
        if (name.starts_with("./")) name.erase(0, 2);
        while (name.ends_with('/')) name.pop_back();
        if (!name.empty() && name != ".") result[name] = type;
    }
    return result;
}

std::size_t TextSource::read(std::span<std::byte> buffer) {
    if (given_ >= fail_after_) throw Error(Code::cancelled, "the source of the archive failed");
    const std::size_t now = std::min({buffer.size(), text_.size() - given_, std::size_t{65536}});
    std::memcpy(buffer.data(), text_.data() + given_, now);
    given_ += now;
    return now;
}

}  // namespace davit::conformance
