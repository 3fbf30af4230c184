#include "image/compression.hpp"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/check.hpp"
#include "image/decoders.hpp"

namespace davit::image {
namespace {

constexpr int kLevel = 1;

/// Gives back first what was read ahead to look at it.
class Replay : public ByteSource {
  public:
    explicit Replay(ByteSource& source) : source_(source) {
        while (size_ < kMagicSize) {
            const std::size_t got = source_.read(std::span(first_).subspan(size_, kMagicSize - size_));
            if (got == 0) break;
            size_ += got;
        }
    }
    [[nodiscard]] std::span<const std::byte> first() const { return std::span(first_).first(size_); }

    std::size_t read(std::span<std::byte> buffer) override {
        if (given_ == size_) return source_.read(buffer);
        const std::size_t count = std::min(buffer.size(), size_ - given_);
        std::memcpy(buffer.data(), first_.data() + given_, count);
        given_ += count;
        return count;
    }

  private:
    ByteSource& source_;
    std::array<std::byte, kMagicSize> first_{};
    std::size_t size_ = 0;
    std::size_t given_ = 0;
};

class Decompressed : public ByteSource {
  public:
    explicit Decompressed(ByteSource& source) : replay_(source) {
        switch (detectCompression(replay_.first())) {
            case Compression::none:
                break;
            case Compression::gzip:
                decoder_ = makeGzipDecoder(replay_);
                break;
            case Compression::zstd:
                decoder_ = makeZstdDecoder(replay_);
                break;
            case Compression::xz:
            case Compression::bzip2:
                decoder_ = makeFilterDecoder(replay_);
                break;
        }
    }
    std::size_t read(std::span<std::byte> buffer) override {
        return decoder_ ? decoder_->read(buffer) : replay_.read(buffer);
    }

  private:
    Replay replay_;
    std::unique_ptr<ByteSource> decoder_;
};

}  // namespace

Compression detectCompression(std::span<const std::byte> first) noexcept {
    const std::string_view text(reinterpret_cast<const char*>(first.data()), first.size());
    using namespace std::string_view_literals;
    if (text.starts_with("\x1f\x8b\x08"sv)) return Compression::gzip;
    if (text.starts_with("\x28\xb5\x2f\xfd"sv)) return Compression::zstd;
    if (text.starts_with("\xfd"
                         "7zXZ\0"sv))
        return Compression::xz;
    if (text.starts_with("BZh"sv)) return Compression::bzip2;
    return Compression::none;
}

std::unique_ptr<ByteSource> decompress(ByteSource& source) { return std::make_unique<Decompressed>(source); }

struct ZstdSink::Impl {
    ByteSink& out;
    std::unique_ptr<ZSTD_CCtx, decltype(&::ZSTD_freeCCtx)> context{::ZSTD_createCCtx(), ::ZSTD_freeCCtx};
    std::vector<std::byte> buffer = std::vector<std::byte>(::ZSTD_CStreamOutSize());

    /// Returns what zstd says is left to flush.
    std::size_t step(ZSTD_inBuffer& input, ZSTD_EndDirective mode) {
        ZSTD_outBuffer output{buffer.data(), buffer.size(), 0};
        const std::size_t left = ::ZSTD_compressStream2(context.get(), &output, &input, mode);
        if (::ZSTD_isError(left) != 0U) throw error(Code::system, "compress: {}", ::ZSTD_getErrorName(left));
        if (output.pos > 0) out.write(std::span(buffer).first(output.pos));
        return left;
    }
};

ZstdSink::ZstdSink(ByteSink& out) : impl_(std::make_unique<Impl>(Impl{out})) {
    if (impl_->context == nullptr) throw Error(Code::system, "compress: no memory");
    (void)::ZSTD_CCtx_setParameter(impl_->context.get(), ZSTD_c_compressionLevel, kLevel);
    (void)::ZSTD_CCtx_setParameter(impl_->context.get(), ZSTD_c_checksumFlag, 1);
}

ZstdSink::~ZstdSink() = default;

void ZstdSink::write(std::span<const std::byte> data) {
    ZSTD_inBuffer input{data.data(), data.size(), 0};
    while (input.pos < input.size) (void)impl_->step(input, ZSTD_e_continue);
}

void ZstdSink::finish() {
    ZSTD_inBuffer input{nullptr, 0, 0};
    while (impl_->step(input, ZSTD_e_end) != 0) {
    }
}

}  // namespace davit::image
