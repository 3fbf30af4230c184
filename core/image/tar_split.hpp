// Tar split: what must be kept beside a layer's unpacked files to give back the very tar it came from.
//
// The recorder reads a tar as it goes by and writes a side stream: headers, padding and whatever else verbatim, the
// content of plain files as a reference (path, size). Content that can't be found again at its path for sure (sparse
// files, whiteouts, members after something unusual) is kept verbatim too. The assembler puts both together again;
// whether the files are still what they were, the caller sees from the digest.
//
// The side stream: "davit-split1\n", then records. 'B' length(8) bytes, 'F' size(8) length(4) path; numbers are
// little-endian. It is meant to be compressed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/byte_stream.hpp"

namespace davit::image {

/// One thread. `out` outlives it.
class TarSplitRecorder {
  public:
    explicit TarSplitRecorder(ByteSink& out);
    ~TarSplitRecorder();
    /// The next piece of the tar, in any size. Never refuses one: what is no tar is kept verbatim.
    void write(std::span<const std::byte> data);
    /// Ends the side stream. False: members of this tar hide each other, so the side stream can't give all of it back
    /// and the tar has to be kept whole.
    [[nodiscard]] bool finish();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Writes the tar that `split` (uncompressed) describes with the files below `root_fd`. Throws Error{system} when a
/// file is missing or has another size, Error{invalid} when the side stream is damaged.
void assembleTar(ByteSource& split, int root_fd, ByteSink& out);

}  // namespace davit::image
