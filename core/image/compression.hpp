// Compressed streams, in this process only (SEC-23): gzip, zstd, xz and bzip2 to read, zstd to write.
//
// Threads: one per object.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/byte_stream.hpp"

namespace davit::image {

enum class Compression { none, gzip, zstd, xz, bzip2 };

/// How many first bytes detectCompression() wants to see.
inline constexpr std::size_t kMagicSize = 6;

[[nodiscard]] Compression detectCompression(std::span<const std::byte> first) noexcept;

/// The plain content of `source`, whatever it is compressed with. Reads `source` only as far as it is asked itself;
/// borrows it. Several gzip members or zstd frames one after another are one content. Damaged, truncated or trailing
/// garbage is Error{invalid}.
[[nodiscard]] std::unique_ptr<ByteSource> decompress(ByteSource& source);

/// Compresses with zstd, quickly. Borrows `out`; what wasn't finish()ed is a truncated frame.
class ZstdSink : public ByteSink {
  public:
    explicit ZstdSink(ByteSink& out);
    ~ZstdSink() override;
    void write(std::span<const std::byte> data) override;
    void finish();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace davit::image
