#include <archive.h>

#include <exception>
#include <vector>

#include "base/check.hpp"
#include "image/decoders.hpp"

namespace davit::image {
namespace {

/// libarchive as a plain decompressor: a "raw" archive of one member. Only filters that work in process are switched
/// on; a libarchive built without one of them would start a program, says so with a warning, and is then refused.
class FilterDecoder : public ByteSource {
  public:
    explicit FilterDecoder(ByteSource& source) : source_(source) {
        if (archive_ == nullptr || ::archive_read_support_filter_xz(archive_.get()) != ARCHIVE_OK ||
            ::archive_read_support_filter_bzip2(archive_.get()) != ARCHIVE_OK ||
            ::archive_read_support_format_raw(archive_.get()) != ARCHIVE_OK)
            throw Error(Code::system, "decompress: xz and bzip2 are not built into libarchive");
    }

    std::size_t read(std::span<std::byte> out) override {
        if (!opened_) open();
        const la_ssize_t got = ::archive_read_data(archive_.get(), out.data(), out.size());
        if (got < 0) fail();
        if (thrown_) std::rethrow_exception(thrown_);
        return static_cast<std::size_t>(got);
    }

  private:
    void open() {
        opened_ = true;
        if (::archive_read_open(archive_.get(), this, nullptr, &FilterDecoder::pull, nullptr) != ARCHIVE_OK) fail();
        archive_entry* entry = nullptr;
        if (::archive_read_next_header(archive_.get(), &entry) < ARCHIVE_WARN) fail();
        // Too short for its own magic, it would be passed through as it is.
        if (::archive_filter_code(archive_.get(), 0) == ARCHIVE_FILTER_NONE)
            throw Error(Code::invalid, "decompress: unexpected end of data");
    }

    [[noreturn]] void fail() {
        if (thrown_) std::rethrow_exception(thrown_);
        const char* text = ::archive_error_string(archive_.get());
        throw error(Code::invalid, "decompress: {}", text != nullptr ? text : "damaged data");
    }

    /// An exception must not cross the C library: it waits in thrown_.
    static la_ssize_t pull(archive* /*reader*/, void* self, const void** data) {
        auto& decoder = *static_cast<FilterDecoder*>(self);
        try {
            *data = decoder.buffer_.data();
            return static_cast<la_ssize_t>(decoder.source_.read(decoder.buffer_));
        } catch (...) {
            decoder.thrown_ = std::current_exception();
            return -1;
        }
    }

    ByteSource& source_;
    std::unique_ptr<archive, decltype(&::archive_read_free)> archive_{::archive_read_new(), ::archive_read_free};
    std::vector<std::byte> buffer_ = std::vector<std::byte>(kDecoderBuffer);
    std::exception_ptr thrown_;
    bool opened_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> makeFilterDecoder(ByteSource& source) { return std::make_unique<FilterDecoder>(source); }

}  // namespace davit::image
