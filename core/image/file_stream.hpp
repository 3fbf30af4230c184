// Files as byte streams.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/byte_stream.hpp"
#include "base/unique_fd.hpp"

namespace davit::image {

/// Reads a file from its beginning. Owns the descriptor.
class FileSource : public ByteSource {
  public:
    explicit FileSource(const std::filesystem::path& path);
    std::size_t read(std::span<std::byte> buffer) override;

  private:
    UniqueFd fd_;
};

/// Writes a new file (mode 0600). Before every 16 MiB it looks whether the file system is about to be full, and then
/// throws Error{system, ENOSPC} "no space left on device" while there is room for the daemon's own records.
class FileSink : public ByteSink {
  public:
    explicit FileSink(const std::filesystem::path& path);
    void write(std::span<const std::byte> data) override;

  private:
    UniqueFd fd_;
    std::size_t until_check_ = 0;
};

/// Copies to the end; returns the number of bytes.
std::int64_t copyStream(ByteSource& from, ByteSink& to);

}  // namespace davit::image
