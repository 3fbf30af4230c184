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

/// Stops what writes without end while there still is room for the daemon's own records.
class SpaceWatch {
  public:
    explicit SpaceWatch(std::filesystem::path directory) : directory_(std::move(directory)) {}
    /// Before `bytes` more are written there. Looks every 16 MiB; throws Error{system, ENOSPC} "no space left on device".
    void about(std::size_t bytes);

  private:
    std::filesystem::path directory_;
    std::size_t until_check_ = 0;
};

/// Writes a new file (mode 0600), watching the space.
class FileSink : public ByteSink {
  public:
    explicit FileSink(const std::filesystem::path& path);
    void write(std::span<const std::byte> data) override;

  private:
    UniqueFd fd_;
    SpaceWatch space_;
};

/// Copies to the end; returns the number of bytes.
std::int64_t copyStream(ByteSource& from, ByteSink& to);

}  // namespace davit::image
