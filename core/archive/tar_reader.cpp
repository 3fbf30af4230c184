#include "archive/tar_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <string_view>
#include <vector>

#include "base/check.hpp"

namespace davit::archive {
namespace {

constexpr std::size_t kInputBuffer = 256 * 1024;

// libarchive converts names of pax headers to the thread's character set. In the C locale ASCII stays as it is and
// anything else fails with a warning that leaves the raw bytes in place, which is what we want: names are bytes.
class CLocaleScope {
  public:
    CLocaleScope() : previous_(::uselocale(cLocale())) {}
    ~CLocaleScope() { ::uselocale(previous_); }
    CLocaleScope(const CLocaleScope&) = delete;
    CLocaleScope& operator=(const CLocaleScope&) = delete;

  private:
    static locale_t cLocale() {
        static const locale_t locale = ::newlocale(LC_ALL_MASK, "C", nullptr);
        return locale;
    }
    locale_t previous_;
};

class MemberSource : public ByteSource {
  public:
    explicit MemberSource(TarReader& reader) : reader_(reader) {}
    std::size_t read(std::span<std::byte> buffer) override { return reader_.read(buffer); }

  private:
    TarReader& reader_;
};

TarEntry::Kind kindOf(archive_entry* raw) {
    if (::archive_entry_hardlink(raw) != nullptr) return TarEntry::Kind::hardlink;
    switch (::archive_entry_filetype(raw)) {
        case AE_IFREG:
            return TarEntry::Kind::regular;
        case AE_IFDIR:
            return TarEntry::Kind::directory;
        case AE_IFLNK:
            return TarEntry::Kind::symlink;
        case AE_IFCHR:
            return TarEntry::Kind::char_device;
        case AE_IFBLK:
            return TarEntry::Kind::block_device;
        case AE_IFIFO:
            return TarEntry::Kind::fifo;
        default:
            throw Error(Code::invalid, "read tar: a member of unknown type");
    }
}

unsigned idOf(std::int64_t value, std::string_view path) {
    if (value < 0 || value > 0xfffffffeLL)
        throw error(Code::invalid, "read tar: {}: owner {} out of range", path, value);
    return static_cast<unsigned>(value);
}

std::string orEmpty(const char* text) { return text == nullptr ? std::string() : std::string(text); }

void copyXattrs(archive_entry* raw, TarEntry& entry) {
    ::archive_entry_xattr_reset(raw);
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    while (::archive_entry_xattr_next(raw, &name, &value, &size) == ARCHIVE_OK)
        entry.xattrs[name].assign(static_cast<const char*>(value), size);
}

TarEntry translate(archive_entry* raw) {
    TarEntry entry;
    entry.path = orEmpty(::archive_entry_pathname(raw));
    if (entry.path.empty()) throw Error(Code::invalid, "read tar: a member without a name");
    entry.kind = kindOf(raw);
    while (entry.path.size() > 1 && entry.path.ends_with('/')) entry.path.pop_back();
    entry.mode = ::archive_entry_perm(raw);
    entry.uid = idOf(::archive_entry_uid(raw), entry.path);
    entry.gid = idOf(::archive_entry_gid(raw), entry.path);
    if (entry.kind == TarEntry::Kind::regular) entry.size = ::archive_entry_size(raw);
    if (entry.size < 0) throw error(Code::invalid, "read tar: {}: negative size", entry.path);
    entry.mtime = {::archive_entry_mtime(raw), ::archive_entry_mtime_nsec(raw)};
    if (::archive_entry_atime_is_set(raw) != 0)
        entry.atime = timespec{::archive_entry_atime(raw), ::archive_entry_atime_nsec(raw)};
    if (entry.kind == TarEntry::Kind::hardlink) entry.link_target = orEmpty(::archive_entry_hardlink(raw));
    if (entry.kind == TarEntry::Kind::symlink) entry.link_target = orEmpty(::archive_entry_symlink(raw));
    entry.device_major = static_cast<unsigned>(::archive_entry_rdevmajor(raw));
    entry.device_minor = static_cast<unsigned>(::archive_entry_rdevminor(raw));
    copyXattrs(raw, entry);
    return entry;
}

}  // namespace

struct TarReader::Impl {
    Impl(TarReader& reader, ByteSource& bytes) : source(bytes), input(kInputBuffer), member(reader) {
        if (handle == nullptr) throw Error(Code::system, "read tar: out of memory");
        ::archive_read_support_filter_none(handle);
        ::archive_read_support_format_tar(handle);
        ::archive_read_support_format_empty(handle);
        const CLocaleScope locale;
        require(::archive_read_open2(handle, this, nullptr, &Impl::onRead, &Impl::onSkip, nullptr));
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    static la_ssize_t onRead(struct ::archive*, void* self, const void** data) noexcept {
        auto& impl = *static_cast<Impl*>(self);
        try {
            *data = impl.input.data();
            return static_cast<la_ssize_t>(impl.source.read(impl.input));
        } catch (...) {  // libarchive is C: the exception goes on in require()
            impl.failure = std::current_exception();
            return -1;
        }
    }

    // A source can't skip: libarchive then reads what it doesn't need.
    static la_int64_t onSkip(struct ::archive*, void*, la_int64_t) noexcept { return 0; }

    // Passes ARCHIVE_OK and ARCHIVE_EOF on, throws for the rest.
    int require(int result) {
        if (result == ARCHIVE_OK || result == ARCHIVE_EOF) return result;
        if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
        const std::string text = orEmpty(::archive_error_string(handle));
        if (result == ARCHIVE_WARN && text.find("converted") != std::string::npos) return ARCHIVE_OK;
        throw Error(Code::invalid, "read tar: " + (text.empty() ? "damaged archive" : text));
    }

    void nextBlock() {
        const void* data = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        block = {};
        const int result = require(::archive_read_data_block(handle, &data, &size, &offset));
        if (result == ARCHIVE_OK) block = {{static_cast<const std::byte*>(data), size}, offset};
        at_end = result == ARCHIVE_EOF;
    }

    ByteSource& source;
    std::vector<std::byte> input;
    // Owned apart from the constructor, which may throw when it has opened the archive.
    std::unique_ptr<struct ::archive, int (*)(struct ::archive*)> owner{::archive_read_new(), ::archive_read_free};
    struct ::archive* handle = owner.get();
    std::exception_ptr failure;
    TarEntry entry;
    Block block;                // what read() hasn't handed out yet of the last block
    std::int64_t position = 0;  // of read()
    bool at_end = false;        // of the member's data
    bool finished = false;
    MemberSource member;
};

TarReader::TarReader(ByteSource& source) : impl_(std::make_unique<Impl>(*this, source)) {}
TarReader::~TarReader() = default;

const TarEntry* TarReader::next() {
    if (impl_->finished) return nullptr;
    archive_entry* raw = nullptr;
    const CLocaleScope locale;
    if (impl_->require(::archive_read_next_header(impl_->handle, &raw)) == ARCHIVE_EOF) {
        impl_->finished = true;
        return nullptr;
    }
    impl_->entry = translate(raw);
    impl_->block = {};
    impl_->position = 0;
    impl_->at_end = impl_->entry.kind != TarEntry::Kind::regular;
    return &impl_->entry;
}

TarReader::Block TarReader::readBlock() {
    do {
        if (impl_->at_end) return {};
        impl_->nextBlock();
    } while (impl_->block.data.empty());
    return impl_->block;
}

std::size_t TarReader::read(std::span<std::byte> buffer) {
    Impl& in = *impl_;
    while (in.block.data.empty() && !in.at_end) in.nextBlock();
    const std::int64_t next_data = in.block.data.empty() ? in.entry.size : in.block.offset;
    if (in.position < next_data) {
        const auto hole = static_cast<std::size_t>(std::min<std::int64_t>(next_data - in.position, 1 << 30));
        const std::size_t count = std::min(buffer.size(), hole);
        std::memset(buffer.data(), 0, count);
        in.position += static_cast<std::int64_t>(count);
        return count;
    }
    const std::size_t count = std::min(buffer.size(), in.block.data.size());
    if (count == 0) return 0;
    std::memcpy(buffer.data(), in.block.data.data(), count);
    in.block.data = in.block.data.subspan(count);
    in.block.offset += static_cast<std::int64_t>(count);
    in.position = in.block.offset;
    return count;
}

std::string TarReader::readAll(std::size_t limit) {
    if (static_cast<std::uint64_t>(impl_->entry.size) > limit)
        throw error(Code::invalid, "read tar: {} is longer than {} bytes", impl_->entry.path, limit);
    std::string text(static_cast<std::size_t>(impl_->entry.size), '\0');
    std::size_t had = 0;
    while (had < text.size()) {
        const std::size_t got = read(std::as_writable_bytes(std::span(text)).subspan(had));
        if (got == 0) throw error(Code::invalid, "read tar: {} is truncated", impl_->entry.path);
        had += got;
    }
    return text;
}

ByteSource& TarReader::content() { return impl_->member; }

void TarReader::drain() {
    // libarchive holds only what it has asked for, so that the rest is still in the source.
    while (impl_->source.read(impl_->input) != 0) {
    }
}

}  // namespace davit::archive
