#include "archive/tar_writer.hpp"

#include <array>
#include <cstring>

#include "base/check.hpp"

namespace davit::archive {
namespace {

constexpr std::int64_t kRecord = 512;
constexpr std::int64_t kMaxOctal12 = 077777777777;  // eleven octal digits
constexpr std::int64_t kMaxOctal8 = 07777777;

// The fields of a ustar header (POSIX.1-1988), all of them characters.
struct UstarHeader {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link_name[100];
    char magic[6];
    char version[2];
    char user_name[32];
    char group_name[32];
    char device_major[8];
    char device_minor[8];
    char prefix[155];
    char unused[12];
};
static_assert(sizeof(UstarHeader) == kRecord);

template <std::size_t N>
void putOctal(char (&field)[N], std::int64_t value) {
    // What doesn't fit stands in a pax record; the field then says 0.
    const std::int64_t limit = N == 12 ? kMaxOctal12 : kMaxOctal8;
    if (value < 0 || value > limit) value = 0;
    const std::string text = fmt::format("{:0{}o}", value, N - 1);
    std::memcpy(field, text.data(), N - 1);
}

template <std::size_t N>
void putText(char (&field)[N], std::string_view text) {
    std::memcpy(field, text.data(), std::min(text.size(), N));
}

// "LENGTH KEY=VALUE\n", where LENGTH counts its own digits.
std::string paxRecord(std::string_view key, std::string_view value) {
    const std::size_t rest = key.size() + value.size() + 3;
    std::size_t length = rest + 1;
    while (std::to_string(length).size() + rest != length) length = std::to_string(length).size() + rest;
    std::string record = std::to_string(length);
    record.append(" ").append(key).append("=").append(value).append("\n");
    return record;
}

std::string paxTime(const timespec& time) {
    // A negative time counts backwards as a whole: -0.5 s is {-1, 500000000}.
    std::int64_t seconds = time.tv_sec;
    std::int64_t nanoseconds = time.tv_nsec;
    const bool negative = seconds < 0;
    if (negative && nanoseconds != 0) {
        seconds += 1;
        nanoseconds = 1'000'000'000 - nanoseconds;
    }
    std::string text = fmt::format("{}{}", negative ? "-" : "", negative ? -seconds : seconds);
    if (nanoseconds == 0) return text;
    text += fmt::format(".{:09}", nanoseconds);
    while (text.back() == '0') text.pop_back();
    return text;
}

std::string base64(std::string_view bytes) {
    static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        for (unsigned k = 0; k < 4 && i + k <= bytes.size(); ++k) text += kDigits[group >> (18 - 6 * k) & 63U];
    }
    return text;
}

// A pax key ends at its first "=": a name with one travels in libarchive's form, URL-escaped with a base64 value.
std::string xattrRecord(const std::string& name, const std::string& value) {
    if (name.find_first_of("=%") == std::string::npos) return paxRecord("SCHILY.xattr." + name, value);
    std::string escaped;
    for (const char c : name)
        escaped += c == '=' || c == '%' ? fmt::format("%{:02X}", static_cast<unsigned char>(c)) : std::string(1, c);
    return paxRecord("LIBARCHIVE.xattr." + escaped, base64(value));
}

char typeFlag(TarEntry::Kind kind) {
    switch (kind) {
        case TarEntry::Kind::regular:
            return '0';
        case TarEntry::Kind::hardlink:
            return '1';
        case TarEntry::Kind::symlink:
            return '2';
        case TarEntry::Kind::char_device:
            return '3';
        case TarEntry::Kind::block_device:
            return '4';
        case TarEntry::Kind::directory:
            return '5';
        case TarEntry::Kind::fifo:
            return '6';
    }
    return '0';
}

std::string paxRecords(const TarEntry& entry, std::string_view path, std::int64_t stored_size) {
    std::string records;
    if (path.size() > sizeof(UstarHeader::name)) records += paxRecord("path", path);
    if (entry.link_target.size() > sizeof(UstarHeader::link_name)) records += paxRecord("linkpath", entry.link_target);
    if (stored_size > kMaxOctal12) records += paxRecord("size", std::to_string(stored_size));
    if (entry.uid > kMaxOctal8) records += paxRecord("uid", std::to_string(entry.uid));
    if (entry.gid > kMaxOctal8) records += paxRecord("gid", std::to_string(entry.gid));
    if (entry.mtime.tv_nsec != 0 || entry.mtime.tv_sec < 0 || entry.mtime.tv_sec > kMaxOctal12)
        records += paxRecord("mtime", paxTime(entry.mtime));
    if (entry.atime) records += paxRecord("atime", paxTime(*entry.atime));
    for (const auto& [name, value] : entry.xattrs) records += xattrRecord(name, value);
    return records;
}

std::span<const std::byte> bytesOf(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

}  // namespace

void TarWriter::zeros(std::int64_t count) {
    static constexpr std::array<std::byte, 16384> kZeros{};
    while (count > 0) {
        const auto piece = std::min<std::int64_t>(count, kZeros.size());
        sink_.write(std::span(kZeros).first(static_cast<std::size_t>(piece)));
        count -= piece;
    }
}

void TarWriter::endMember() {
    if (left_ != 0) throw error(Code::system, "write a tar member: {} bytes are missing", left_);
    zeros(padding_);
    padding_ = 0;
}

void TarWriter::rawHeader(const TarEntry& entry, std::string_view path, char type, std::int64_t stored_size) {
    UstarHeader header{};
    putText(header.name, path);
    putOctal(header.mode, entry.mode & 07777U);
    putOctal(header.uid, entry.uid);
    putOctal(header.gid, entry.gid);
    putOctal(header.size, stored_size);
    putOctal(header.mtime, entry.mtime.tv_sec);
    header.type = type;
    putText(header.link_name, entry.link_target);
    std::memcpy(header.magic,
                "ustar\0"
                "00",
                8);
    if (type == '3' || type == '4') {
        putOctal(header.device_major, entry.device_major);
        putOctal(header.device_minor, entry.device_minor);
    }
    std::memset(header.checksum, ' ', sizeof header.checksum);
    const auto bytes = std::as_bytes(std::span(&header, 1));
    unsigned sum = 0;
    for (const std::byte b : bytes) sum += std::to_integer<unsigned>(b);
    const std::string text = fmt::format("{:06o}", sum);
    std::memcpy(header.checksum, text.c_str(), 7);
    sink_.write(bytes);
    left_ = stored_size;
    padding_ = (kRecord - stored_size % kRecord) % kRecord;
}

void TarWriter::header(const TarEntry& entry, std::int64_t stored_size, std::string records) {
    endMember();
    const bool slash = entry.kind == TarEntry::Kind::directory && !entry.path.ends_with('/');
    const std::string path = slash ? entry.path + "/" : entry.path;
    records += paxRecords(entry, path, stored_size);
    if (!records.empty()) {
        TarEntry pax;
        rawHeader(pax, "PaxHeaders.0/" + path.substr(0, 80), 'x', static_cast<std::int64_t>(records.size()));
        write(bytesOf(records));
        endMember();
    }
    rawHeader(entry, path, typeFlag(entry.kind), stored_size);
}

void TarWriter::begin(const TarEntry& entry) {
    header(entry, entry.kind == TarEntry::Kind::regular ? entry.size : 0, {});
}

void TarWriter::beginSparse(const TarEntry& entry, const std::vector<DataRange>& ranges) {
    // Format 1.0 of GNU tar: the map stands before the data, in decimal lines, filled up to a record.
    std::vector<DataRange> all = ranges;
    const std::int64_t end = ranges.empty() ? 0 : ranges.back().offset + ranges.back().length;
    if (end < entry.size || ranges.empty()) all.push_back({entry.size, 0});
    std::string map = fmt::format("{}\n", all.size());
    std::int64_t stored = 0;
    for (const auto& range : all) {
        map += fmt::format("{}\n{}\n", range.offset, range.length);
        stored += range.length;
    }
    map.resize((map.size() + kRecord - 1) / kRecord * kRecord);
    std::string records = paxRecord("GNU.sparse.major", "1") + paxRecord("GNU.sparse.minor", "0") +
                          paxRecord("GNU.sparse.name", entry.path) +
                          paxRecord("GNU.sparse.realsize", std::to_string(entry.size));
    TarEntry stand_in = entry;
    stand_in.path = "GNUSparseFile.0/" + entry.path.substr(0, 80);
    header(stand_in, stored + static_cast<std::int64_t>(map.size()), std::move(records));
    write(bytesOf(map));
}

void TarWriter::write(std::span<const std::byte> data) {
    if (static_cast<std::int64_t>(data.size()) > left_)
        throw Error(Code::system, "write a tar member: too much content");
    if (data.empty()) return;
    sink_.write(data);
    left_ -= static_cast<std::int64_t>(data.size());
}

void TarWriter::pad() {
    zeros(left_);
    left_ = 0;
}

void TarWriter::add(std::string_view path, std::string_view content, timespec mtime) {
    TarEntry entry;
    entry.path = path;
    entry.size = static_cast<std::int64_t>(content.size());
    entry.mtime = mtime;
    begin(entry);
    write(content);
}

void TarWriter::finish() {
    endMember();
    zeros(2 * kRecord);
}

}  // namespace davit::archive
