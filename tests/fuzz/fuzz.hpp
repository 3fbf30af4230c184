// What every fuzz target shares: the input as text and as a source. A target calls the code that reads foreign bytes; davit::Error is
// the right answer to bad input, and anything else that escapes is a finding, as is what the sanitizers see.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/byte_stream.hpp"
#include "base/error.hpp"

namespace davit::fuzz {

class Source final : public ByteSource {
  public:
    Source(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}
    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t count = std::min(buffer.size(), rest_.size());
        if (count != 0) std::memcpy(buffer.data(), rest_.data(), count);
        rest_ = rest_.subspan(count);
        return count;
    }

  private:
    std::span<const std::uint8_t> rest_;
};

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// A property that must hold for every input; without it a target only finds crashes.
inline void require(bool condition) {
    if (!condition) __builtin_trap();
}

}  // namespace davit::fuzz

/// DAVIT_FUZZ(data, size) { ... }: the body may throw davit::Error.
#define DAVIT_FUZZ(data, size)                                                     \
    static void fuzzOne(const std::uint8_t* data, std::size_t size);               \
    extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size); \
    int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {       \
        try {                                                                      \
            fuzzOne(data, size);                                                   \
        } catch (const davit::Error&) {                                            \
        }                                                                          \
        return 0;                                                                  \
    }                                                                              \
    static void fuzzOne(const std::uint8_t* data, std::size_t size)
