// What the archive tests share: streams over strings, trees below a TempDir, and a tar builder with short lines.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "archive/pack.hpp"
#include "archive/tar_reader.hpp"
#include "archive/tar_writer.hpp"
#include "archive/unpack.hpp"
#include "base/check.hpp"
#include "base/file.hpp"

namespace davit::archive {

class StringSource : public ByteSource {
  public:
    explicit StringSource(std::string text, std::size_t piece = 1 << 16) : text_(std::move(text)), piece_(piece) {}
    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t count = std::min({buffer.size(), piece_, text_.size() - at_});
        std::memcpy(buffer.data(), text_.data() + at_, count);
        at_ += count;
        return count;
    }
    [[nodiscard]] bool exhausted() const { return at_ == text_.size(); }

  private:
    std::string text_;
    std::size_t piece_;
    std::size_t at_ = 0;
};

class StringSink : public ByteSink {
  public:
    void write(std::span<const std::byte> data) override {
        text.append(reinterpret_cast<const char*>(data.data()), data.size());
    }
    std::string text;
};

/// Builds an archive: Tar().dir("a").file("a/b", "text").link("l", "a").done()
class Tar {
  public:
    Tar() : writer_(sink_) {}
    Tar& file(const std::string& path, std::string_view text = "x", unsigned mode = 0644) {
        return add(path, TarEntry::Kind::regular, "", text, mode);
    }
    Tar& dir(const std::string& path, unsigned mode = 0755) {
        return add(path, TarEntry::Kind::directory, "", "", mode);
    }
    Tar& link(const std::string& path, const std::string& target) { return add(path, TarEntry::Kind::symlink, target); }
    Tar& hard(const std::string& path, const std::string& target) {
        return add(path, TarEntry::Kind::hardlink, target);
    }
    Tar& node(const std::string& path, TarEntry::Kind kind) { return add(path, kind); }
    Tar& raw(const TarEntry& entry, std::string_view text = {}) {
        writer_.begin(entry);
        writer_.write(text);
        return *this;
    }
    std::string done() {
        writer_.finish();
        return std::move(sink_.text);
    }

  private:
    Tar& add(const std::string& path, TarEntry::Kind kind, const std::string& target = {}, std::string_view text = {},
             unsigned mode = 0644) {
        TarEntry entry;
        entry.path = path;
        entry.kind = kind;
        entry.mode = mode;
        entry.link_target = target;
        entry.size = static_cast<std::int64_t>(text.size());
        entry.mtime = {1'000'000'000, 0};
        return raw(entry, text);
    }
    StringSink sink_;
    TarWriter writer_;
};

inline UniqueFd openDir(const std::filesystem::path& path) { return openFile(path, O_RDONLY | O_DIRECTORY); }

inline std::int64_t unpackTo(const std::filesystem::path& root, const std::string& tar,
                             const UnpackOptions& options = {}) {
    StringSource source(tar);
    return unpackLayer(source, openDir(root).get(), options);
}

inline std::string packed(const std::filesystem::path& root, const PackOptions& options = {}) {
    StringSink sink;
    packTree(openDir(root).get(), sink, options);
    return std::move(sink.text);
}

/// "path type" lines of an archive, in its order.
inline std::string listing(const std::string& tar) {
    static constexpr std::string_view kTypes = "fdlhcbp";
    StringSource source(tar);
    TarReader reader(source);
    std::string text;
    while (const TarEntry* entry = reader.next())
        text += fmt::format("{}{} ", kTypes[static_cast<std::size_t>(entry->kind)], ":" + entry->path);
    return text;
}

inline struct stat statOf(const std::filesystem::path& path) {
    struct stat info {};
    check(::lstat(path.c_str(), &info), "stat {}", path.string());
    return info;
}

inline std::string textOf(const std::filesystem::path& path) { return readFile(path, 1U << 26).value_or("(missing)"); }

}  // namespace davit::archive
