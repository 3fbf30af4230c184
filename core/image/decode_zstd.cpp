#include <zstd.h>

#include <vector>

#include "base/check.hpp"
#include "image/decoders.hpp"

namespace davit::image {
namespace {

class ZstdDecoder : public ByteSource {
  public:
    explicit ZstdDecoder(ByteSource& source) : source_(source) {
        if (context_ == nullptr) throw Error(Code::system, "decompress zstd: no memory");
    }

    std::size_t read(std::span<std::byte> out) override {
        ZSTD_outBuffer output{out.data(), out.size(), 0};
        for (;;) {
            // Also without new input: the decoder may hold output for which the last buffer was too small.
            if (left_ != 0 || input_.pos < input_.size) {
                left_ = ::ZSTD_decompressStream(context_.get(), &output, &input_);
                if (::ZSTD_isError(left_) != 0U)
                    throw error(Code::invalid, "decompress zstd: {}", ::ZSTD_getErrorName(left_));
            }
            if (output.pos > 0) return output.pos;
            if (input_.pos < input_.size) continue;
            input_ = {buffer_.data(), source_.read(buffer_), 0};
            if (input_.size > 0) continue;
            if (left_ != 0) throw Error(Code::invalid, "decompress zstd: unexpected end of data");
            return 0;
        }
    }

  private:
    ByteSource& source_;
    std::unique_ptr<ZSTD_DCtx, decltype(&::ZSTD_freeDCtx)> context_{::ZSTD_createDCtx(), ::ZSTD_freeDCtx};
    std::vector<std::byte> buffer_ = std::vector<std::byte>(kDecoderBuffer);
    ZSTD_inBuffer input_{nullptr, 0, 0};
    std::size_t left_ = 0;  // 0: between frames
};

}  // namespace

std::unique_ptr<ByteSource> makeZstdDecoder(ByteSource& source) { return std::make_unique<ZstdDecoder>(source); }

}  // namespace davit::image
