// TarReader: reads an uncompressed tar (ustar, pax, GNU, sparse files) member by member, in constant memory.
//
//     TarReader reader(source);
//     while (const TarEntry* entry = reader.next())
//         if (entry->path == "manifest.json") text = reader.readAll(limit);
//
// One thread. The source must outlive the reader. A damaged or truncated archive is Error{invalid}; an Error that the
// source throws passes through unchanged. Data that follows the archive's end mark is left unread: drain() takes it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "archive/tar_entry.hpp"
#include "base/byte_stream.hpp"

namespace davit::archive {

class TarReader {
  public:
    explicit TarReader(ByteSource& source);
    ~TarReader();
    TarReader(const TarReader&) = delete;
    TarReader& operator=(const TarReader&) = delete;

    /// The next member, valid until the next call; nullptr at the end. Unread content of the one before is skipped.
    const TarEntry* next();

    /// Content of the current member from front to back, holes as zeros; 0 at its end.
    std::size_t read(std::span<std::byte> buffer);

    /// A piece of content with its place in the file.
    struct Block {
        std::span<const std::byte> data;  ///< valid until the next call
        std::int64_t offset = 0;          ///< what lies between blocks is a hole
    };
    /// The next piece, holes left out; data is empty at the end. Don't mix with read() within one member.
    Block readBlock();

    /// The current member's whole content. Throws Error{invalid} when it is longer than `limit`.
    std::string readAll(std::size_t limit);

    /// The current member's content as a source, valid until next().
    ByteSource& content();

    /// Reads the source to its end, past the archive's end mark: a digest over the stream then covers every byte.
    void drain();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace davit::archive
