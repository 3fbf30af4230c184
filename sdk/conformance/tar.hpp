// A tar writer and a tar lister, small and independent of davit's own archive code: a mistake there must not hide itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_stream.hpp"

namespace davit::conformance {

struct TarEntry {
    std::string name;
    char type = '0';  ///< '0' file, '1' hard link, '2' symlink, '3' char device, '4' block device, '5' directory, '6' FIFO
    std::string content = {};
    std::string target = {};  ///< of links
    unsigned mode = 0644;
    unsigned uid = 0;
    unsigned gid = 0;
    std::int64_t mtime = 1700000000;
    unsigned major = 0;
    unsigned minor = 0;
    std::map<std::string, std::string> xattrs = {};
};

/// The whole archive with its two closing blocks; pax headers where ustar has no room.
[[nodiscard]] std::string makeTar(const std::vector<TarEntry>& entries);

/// Names (without a leading "./" and a trailing '/') and types of an archive's entries. Throws Broken for what is no tar.
[[nodiscard]] std::map<std::string, char> listTar(std::string_view archive);

/// A text as a source, handed out in pieces; fails with Error{cancelled} after `fail_after` bytes.
class TextSource final : public ByteSource {
  public:
    explicit TextSource(std::string_view text, std::size_t fail_after = std::string_view::npos)
        : text_(text), fail_after_(fail_after) {}
    std::size_t read(std::span<std::byte> buffer) override;

  private:
    const std::string text_;
    const std::size_t fail_after_;
    std::size_t given_ = 0;
};

class TextSink final : public ByteSink {
  public:
    void write(std::span<const std::byte> data) override {
        text.append(reinterpret_cast<const char*>(data.data()), data.size());
    }
    std::string text;
};

}  // namespace davit::conformance
