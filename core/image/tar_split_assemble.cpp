#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/check.hpp"
#include "base/in_root.hpp"
#include "image/tar_split.hpp"
#include "image/tar_split_format.hpp"

namespace davit::image {
namespace {

constexpr std::size_t kCopyBuffer = 256U << 10;
constexpr std::uint64_t kMaxPath = 1U << 20;

[[noreturn]] void damaged() { throw Error(Code::invalid, "the layer's side file is damaged"); }

class Assembler {
  public:
    Assembler(ByteSource& split, int root_fd, ByteSink& out) : split_(split), root_fd_(root_fd), out_(out) {}

    void run() {
        if (bytes(kSplitMagic.size()) != kSplitMagic) damaged();
        for (;;) {
            char type = 0;
            if (!tryRead(&type, 1)) return;
            if (type == 'B') {
                copyVerbatim(number(8));
            } else if (type == 'F') {
                const std::uint64_t size = number(8);
                const std::uint64_t length = number(4);
                if (length > kMaxPath) damaged();
                copyFile(bytes(length), size);
            } else {
                damaged();
            }
        }
    }

  private:
    bool tryRead(char* to, std::size_t size) {
        for (std::size_t done = 0; done < size;) {
            const std::size_t got = split_.read(std::as_writable_bytes(std::span(to + done, size - done)));
            if (got == 0 && done == 0) return false;
            if (got == 0) damaged();
            done += got;
        }
        return true;
    }
    std::string bytes(std::uint64_t size) {
        std::string text(size, '\0');
        if (size > 0 && !tryRead(text.data(), size)) damaged();
        return text;
    }
    std::uint64_t number(std::size_t width) {
        const std::string text = bytes(width);
        std::uint64_t value = 0;
        for (std::size_t i = width; i-- > 0;) value = value << 8U | static_cast<unsigned char>(text[i]);
        return value;
    }

    void copyVerbatim(std::uint64_t size) {
        while (size > 0) {
            const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(size, buffer_.size()));
            if (!tryRead(buffer_.data(), count)) damaged();
            out_.write(std::as_bytes(std::span(buffer_.data(), count)));
            size -= count;
        }
    }

    /// The last name isn't followed: a link there is not what was unpacked. Parents may be links of lower layers.
    UniqueFd open(const std::string& path) {
        UniqueFd fd = tryOpenInRoot(root_fd_, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        check(fd.get(), "open {} of a layer", path);
        return fd;
    }

    void copyFile(const std::string& path, std::uint64_t size) {
        const UniqueFd fd = open(path);
        struct stat info {};
        check(::fstat(fd.get(), &info), "stat {}", path);
        if (!S_ISREG(info.st_mode) || static_cast<std::uint64_t>(info.st_size) != size)
            throw error(Code::system, "{} of a layer has been changed on disk", path);
        while (size > 0) {
            const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(size, buffer_.size()));
            const ssize_t got = check(::read(fd.get(), buffer_.data(), want), "read {}", path);
            if (got == 0) throw error(Code::system, "{} of a layer has been changed on disk", path);
            out_.write(std::as_bytes(std::span(buffer_.data(), static_cast<std::size_t>(got))));
            size -= static_cast<std::uint64_t>(got);
        }
    }

    ByteSource& split_;
    int root_fd_;
    ByteSink& out_;
    std::vector<char> buffer_ = std::vector<char>(kCopyBuffer);
};

}  // namespace

void assembleTar(ByteSource& split, int root_fd, ByteSink& out) { Assembler(split, root_fd, out).run(); }

}  // namespace davit::image
