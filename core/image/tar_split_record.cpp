#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "image/member_set.hpp"
#include "image/tar_header.hpp"
#include "image/tar_split.hpp"
#include "image/tar_split_format.hpp"

namespace davit::image {
namespace {

constexpr std::size_t kFlushAt = 256U << 10;
constexpr std::uint64_t kMaxSpecial = 1U << 20;  // a longer pax header isn't interpreted

std::uint64_t padded(std::uint64_t size) { return (size + kTarBlock - 1) / kTarBlock * kTarBlock; }

bool isZero(const TarBlock& block) {
    return std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; });
}

}  // namespace

/// A state machine over blocks: a header, then `owed_special` bytes of a pax or GNU name, or `referenced` bytes of
/// content and `verbatim` bytes of padding or content. In `rest` mode all is verbatim to the end.
struct TarSplitRecorder::Impl {
    explicit Impl(ByteSink& sink) : out(sink) { out.write(asBytes(kSplitMagic)); }

    void take(std::string_view data);
    std::size_t takeHeader(std::string_view data);
    void onHeader();
    void onSpecial();
    void onFile(const TarHeader& header);
    void keep(std::string_view data);
    void flush();

    ByteSink& out;
    std::string pending;  // verbatim bytes not written yet
    TarBlock block{};
    std::size_t block_size = 0;
    std::uint64_t referenced = 0;
    std::uint64_t verbatim = 0;
    std::uint64_t owed_special = 0;
    std::uint64_t special_size = 0;
    TarHeader::Kind special_kind = TarHeader::Kind::strange;
    std::string special;
    bool rest = false;

    // What special headers say of the next member.
    std::string next_path;
    std::optional<std::uint64_t> next_size;
    bool next_sparse = false;

    MemberSet members;
};

void TarSplitRecorder::Impl::keep(std::string_view data) {
    pending.append(data);
    if (pending.size() >= kFlushAt) flush();
}

void TarSplitRecorder::Impl::flush() {
    if (pending.empty()) return;
    out.write(asBytes('B' + littleEndian(pending.size(), 8)));
    out.write(asBytes(pending));
    pending.clear();
}

void TarSplitRecorder::Impl::take(std::string_view data) {
    while (!data.empty()) {
        std::size_t count = data.size();
        const auto atMost = [&](std::uint64_t limit) {
            count = static_cast<std::size_t>(std::min<std::uint64_t>(count, limit));
        };
        if (referenced > 0) {
            atMost(referenced);
            referenced -= count;
        } else if (owed_special > 0) {
            atMost(owed_special);
            special.append(data.substr(0, count));
            keep(data.substr(0, count));
            owed_special -= count;
            if (owed_special == 0) onSpecial();
        } else if (verbatim > 0 || rest) {
            if (!rest) atMost(verbatim);
            verbatim -= rest ? 0 : count;
            keep(data.substr(0, count));
        } else {
            count = takeHeader(data);
        }
        data.remove_prefix(count);
    }
}

std::size_t TarSplitRecorder::Impl::takeHeader(std::string_view data) {
    const std::size_t count = std::min(data.size(), kTarBlock - block_size);
    std::memcpy(block.data() + block_size, data.data(), count);
    block_size += count;
    if (block_size < kTarBlock) return count;
    block_size = 0;
    keep(std::string_view(block.data(), block.size()));
    // Readers stop at the first zero block or at the second: what follows is kept, whatever it is.
    if (isZero(block))
        rest = true;
    else
        onHeader();
    return count;
}

void TarSplitRecorder::Impl::onHeader() {
    using Kind = TarHeader::Kind;
    TarHeader header = parseTarHeader(block);
    switch (header.kind) {
        case Kind::strange:
            rest = true;
            return;
        case Kind::long_name:
        case Kind::long_link:
        case Kind::pax:
        case Kind::pax_global:
            if (header.size > kMaxSpecial || header.size == 0) {
                rest = true;
                return;
            }
            special_kind = header.kind;
            special_size = header.size;
            special.clear();
            owed_special = padded(header.size);
            return;
        default:
            break;
    }
    if (!next_path.empty()) header.path = next_path;
    if (next_size) header.size = *next_size;
    onFile(header);
    next_path.clear();
    next_size.reset();
    next_sparse = false;
}

void TarSplitRecorder::Impl::onSpecial() {
    using Kind = TarHeader::Kind;
    special.resize(special_size);
    if (special_kind == Kind::long_name) next_path = special.substr(0, special.find('\0'));
    if (special_kind != Kind::pax && special_kind != Kind::pax_global) return;
    const auto records = parsePax(special);
    // A global header that renames or resizes is legal and never seen; it isn't worth its own rules.
    if (!records || (special_kind == Kind::pax_global && (records->contains("path") || records->contains("size")))) {
        rest = true;
        return;
    }
    if (special_kind == Kind::pax_global) return;
    for (const auto& [key, value] : *records) {
        if (key == "path") next_path = value;
        if (key == "size") next_size = parseDecimal(value);
        if (key == "size" && !next_size) rest = true;
        if (key.starts_with("GNU.sparse.")) next_sparse = true;
    }
}

void TarSplitRecorder::Impl::onFile(const TarHeader& header) {
    const auto role = header.kind == TarHeader::Kind::file        ? MemberSet::Role::file
                      : header.kind == TarHeader::Kind::directory ? MemberSet::Role::directory
                                                                  : MemberSet::Role::other;
    const auto known = members.add(header.path, role);
    if (header.size == 0) return;
    if (header.kind != TarHeader::Kind::file) {
        rest = true;
        return;
    }
    const std::uint64_t padding = padded(header.size) - header.size;
    if (next_sparse || !known) {
        verbatim = header.size + padding;
        return;
    }
    flush();
    out.write(asBytes('F' + littleEndian(header.size, 8) + littleEndian(known->size(), 4) + *known));
    referenced = header.size;
    verbatim = padding;
}

TarSplitRecorder::TarSplitRecorder(ByteSink& out) : impl_(std::make_unique<Impl>(out)) {}
TarSplitRecorder::~TarSplitRecorder() = default;

void TarSplitRecorder::write(std::span<const std::byte> data) {
    impl_->take({reinterpret_cast<const char*>(data.data()), data.size()});
}

bool TarSplitRecorder::finish() {
    if (impl_->block_size > 0) impl_->keep(std::string_view(impl_->block.data(), impl_->block_size));
    impl_->flush();
    return impl_->referenced == 0 && !impl_->members.hide();
}

}  // namespace davit::image
