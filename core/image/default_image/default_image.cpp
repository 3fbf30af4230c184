#include "image/default_image.hpp"

#include <algorithm>
#include <cstring>

#include "image/transfer.hpp"

// The assembler includes the file; ELF's own section for read-only data keeps it shared and out of the heap.
__asm__(
    ".pushsection .rodata\n"
    ".balign 16\n"
    "davit_default_image_begin:\n"
    ".incbin \"" DAVIT_DEFAULT_IMAGE
    "\"\n"
    "davit_default_image_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
extern const std::byte davit_default_image_begin[] __attribute__((visibility("hidden")));
extern const std::byte davit_default_image_end[] __attribute__((visibility("hidden")));
}

namespace davit::image {
namespace {

class SpanSource : public ByteSource {
  public:
    explicit SpanSource(std::span<const std::byte> data) : left_(data) {}
    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t count = std::min(buffer.size(), left_.size());
        std::memcpy(buffer.data(), left_.data(), count);
        left_ = left_.subspan(count);
        return count;
    }

  private:
    std::span<const std::byte> left_;
};

}  // namespace

std::span<const std::byte> defaultImage() noexcept {
    return {davit_default_image_begin, static_cast<std::size_t>(davit_default_image_end - davit_default_image_begin)};
}

bool loadDefaultImage(ImageStore& images) {
    if (images.count() > 0 || !images.damaged().empty()) return false;
    SpanSource source(defaultImage());
    (void)load(images, source, {.quiet = true, .platform = {}}, {});
    return true;
}

}  // namespace davit::image
