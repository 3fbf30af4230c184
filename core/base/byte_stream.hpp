// ByteSource and ByteSink: how tar streams travel between engine, drivers and sockets. Part of the SDK: std only.
#pragma once

#include <cstddef>
#include <span>

namespace davit {

/// Something that bytes are read from. One reader thread at a time.
class ByteSource {
  public:
    virtual ~ByteSource() = default;
    /// Reads at least one byte, at most buffer.size(); 0 means the end. Throws Error.
    virtual std::size_t read(std::span<std::byte> buffer) = 0;
};

/// Something that bytes are written to. One writer thread at a time.
class ByteSink {
  public:
    virtual ~ByteSink() = default;
    /// Writes all of `data` or throws Error.
    virtual void write(std::span<const std::byte> data) = 0;
};

}  // namespace davit
