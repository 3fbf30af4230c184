#include <vector>

#include "base/check.hpp"
#include "image/decoders.hpp"

#if defined(DAVIT_ISAL)
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif

namespace davit::image {
namespace {

#if defined(DAVIT_ISAL)

/// One gzip member at a time through ISA-L, twice as fast as zlib; checks the member's checksum.
class Inflater {
  public:
    Inflater() { restart(); }
    void restart() {
        ::isal_inflate_init(&state_);
        state_.crc_flag = ISAL_GZIP;
    }
    /// Consumes from `in` and fills `out`; returns how much it filled.
    std::size_t step(std::span<std::byte>& in, std::span<std::byte> out) {
        state_.next_in = reinterpret_cast<std::uint8_t*>(in.data());
        state_.avail_in = static_cast<std::uint32_t>(in.size());
        state_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
        state_.avail_out = static_cast<std::uint32_t>(out.size());
        if (const int result = ::isal_inflate(&state_); result < 0)
            throw error(Code::invalid, "decompress gzip: damaged data ({})", result);
        in = in.last(state_.avail_in);
        return out.size() - state_.avail_out;
    }
    [[nodiscard]] bool finished() const { return state_.block_state == ISAL_BLOCK_FINISH; }

  private:
    inflate_state state_{};
};

#else

class Inflater {
  public:
    Inflater() {
        constexpr int kGzip = 15 + 16;
        if (::inflateInit2(&stream_, kGzip) != Z_OK) throw Error(Code::system, "decompress gzip: no memory");
    }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    ~Inflater() { (void)::inflateEnd(&stream_); }
    void restart() {
        (void)::inflateReset(&stream_);
        finished_ = false;
    }
    std::size_t step(std::span<std::byte>& in, std::span<std::byte> out) {
        stream_.next_in = reinterpret_cast<Bytef*>(in.data());
        stream_.avail_in = static_cast<uInt>(in.size());
        stream_.next_out = reinterpret_cast<Bytef*>(out.data());
        stream_.avail_out = static_cast<uInt>(out.size());
        const int result = ::inflate(&stream_, Z_NO_FLUSH);
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            throw error(Code::invalid, "decompress gzip: damaged data ({})", result);
        finished_ = result == Z_STREAM_END;
        in = in.last(stream_.avail_in);
        return out.size() - stream_.avail_out;
    }
    [[nodiscard]] bool finished() const { return finished_; }

  private:
    z_stream stream_{};
    bool finished_ = false;
};

#endif

class GzipDecoder : public ByteSource {
  public:
    explicit GzipDecoder(ByteSource& source) : source_(source) {}

    std::size_t read(std::span<std::byte> out) override {
        for (;;) {
            if (inflater_.finished() && !nextMember()) return 0;
            if (in_.empty() && !fresh_) refill();
            fresh_ = false;
            const std::size_t had = in_.size();
            const std::size_t count = inflater_.step(in_, out);
            if (count > 0) {
                fresh_ = true;  // there may be more output without more input
                return count;
            }
            if (in_.size() == had && had > 0 && !inflater_.finished())
                throw Error(Code::invalid, "decompress gzip: damaged data");
            if (in_.empty() && ended_ && !inflater_.finished())
                throw Error(Code::invalid, "decompress gzip: unexpected end of data");
        }
    }

  private:
    void refill() {
        in_ = std::span(buffer_).first(source_.read(buffer_));
        ended_ = in_.empty();
    }

    /// Another member may follow, and zeros may pad the last one; anything else is damage.
    bool nextMember() {
        for (;;) {
            if (in_.empty()) refill();
            if (in_.empty()) return false;
            if (in_.front() != std::byte{0}) break;
            in_ = in_.subspan(1);
            padded_ = true;
        }
        if (padded_ || in_.front() != std::byte{0x1f}) throw Error(Code::invalid, "decompress gzip: trailing garbage");
        inflater_.restart();
        return true;
    }

    ByteSource& source_;
    Inflater inflater_;
    std::vector<std::byte> buffer_ = std::vector<std::byte>(kDecoderBuffer);
    std::span<std::byte> in_;
    bool fresh_ = false;
    bool ended_ = false;
    bool padded_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> makeGzipDecoder(ByteSource& source) { return std::make_unique<GzipDecoder>(source); }

}  // namespace davit::image
