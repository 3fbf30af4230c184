// The decoders behind decompress(). Each borrows its source.
#pragma once

#include <memory>

#include "base/byte_stream.hpp"

namespace davit::image {

inline constexpr std::size_t kDecoderBuffer = 256U << 10;

[[nodiscard]] std::unique_ptr<ByteSource> makeGzipDecoder(ByteSource& source);
[[nodiscard]] std::unique_ptr<ByteSource> makeZstdDecoder(ByteSource& source);
/// xz and bzip2, through libarchive.
[[nodiscard]] std::unique_ptr<ByteSource> makeFilterDecoder(ByteSource& source);

}  // namespace davit::image
