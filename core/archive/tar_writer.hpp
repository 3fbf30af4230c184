// TarWriter: writes a tar, ustar where it suffices and pax records where not (long names, xattrs, nanoseconds, large
// numbers, holes as GNU.sparse 1.0). The same entries give the same bytes.
//
//     TarWriter writer(sink);
//     writer.add("manifest.json", text);                     // small files
//     writer.begin(entry); writer.write(piece); …            // exactly entry.size bytes
//     writer.finish();
//
// One thread. The sink must outlive the writer. Without finish() the archive has no end mark and readers call it
// truncated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "archive/tar_entry.hpp"
#include "base/byte_stream.hpp"

namespace davit::archive {

/// A stretch of a sparse file that holds data.
struct DataRange {
    std::int64_t offset = 0;
    std::int64_t length = 0;
    bool operator==(const DataRange&) const = default;
};

class TarWriter {
  public:
    explicit TarWriter(ByteSink& sink) : sink_(sink) {}
    TarWriter(const TarWriter&) = delete;
    TarWriter& operator=(const TarWriter&) = delete;

    /// A member's header. Then, for a regular file, exactly entry.size bytes by write().
    void begin(const TarEntry& entry);
    /// The header of a file with holes: then exactly the bytes of `ranges` (sorted, apart, within entry.size) by
    /// write().
    void beginSparse(const TarEntry& entry, const std::vector<DataRange>& ranges);
    /// Content of the member begun last. More than announced is Error{system}.
    void write(std::span<const std::byte> data);
    void write(std::string_view data) { write(std::as_bytes(std::span(data.data(), data.size()))); }
    /// Fills the rest of the announced content with zeros: for a file that shrank while it was read.
    void pad();
    /// A whole small regular file.
    void add(std::string_view path, std::string_view content, timespec mtime = {});
    /// The end mark. Nothing may follow.
    void finish();

  private:
    void header(const TarEntry& entry, std::int64_t stored_size, std::string records);
    void rawHeader(const TarEntry& entry, std::string_view path, char type, std::int64_t stored_size);
    void endMember();
    void zeros(std::int64_t count);

    ByteSink& sink_;
    std::int64_t left_ = 0;     ///< content still owed
    std::int64_t padding_ = 0;  ///< zeros to the next record after it
};

}  // namespace davit::archive
