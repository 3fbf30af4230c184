// ReadAhead: reads a source on a thread of its own, a few buffers ahead of whoever reads it, and shows every byte to a
// tap on the way. Inflating, hashing and recording a layer so run beside its unpacking.
//
// What the source or the tap throws is thrown by read(). Destruction stops the thread after its current buffer: give it
// only sources that don't block for long (files, not sockets). One reader thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "base/byte_stream.hpp"

namespace davit::image {

class ReadAhead : public ByteSource {
  public:
    using Tap = std::function<void(std::span<const std::byte>)>;
    explicit ReadAhead(ByteSource& source, Tap tap = {});
    ~ReadAhead() override;
    std::size_t read(std::span<std::byte> buffer) override;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace davit::image
