#include "cli/frames.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/file.hpp"

namespace davit::cli {

void FrameDecoder::payload(std::string_view bytes) {
    constexpr unsigned char kStderr = 2;
    constexpr unsigned char kSystemError = 3;
    if (stream_ == kSystemError) {
        daemon_error_ += bytes;
        if (left_ == bytes.size()) throw Error(Code::system, "error from daemon in stream: " + daemon_error_);
        return;
    }
    writeAll(stream_ == kStderr ? err_fd_ : out_fd_, bytes);
}

void FrameDecoder::feed(std::string_view bytes) {
    if (raw_) return writeAll(out_fd_, bytes);
    constexpr std::size_t kHeader = 8;
    while (!bytes.empty()) {
        if (left_ > 0) {
            const std::string_view part = bytes.substr(0, left_);
            payload(part);
            left_ -= part.size();
            bytes.remove_prefix(part.size());
            continue;
        }
        const std::string_view part = bytes.substr(0, kHeader - header_.size());
        header_ += part;
        bytes.remove_prefix(part.size());
        if (header_.size() < kHeader) return;
        const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(header_[i]); };
        stream_ = byte(0);
        if (stream_ > 3) throw error(Code::invalid, "Unrecognized input header: {}", stream_);
        left_ = (std::size_t{byte(4)} << 24) | (std::size_t{byte(5)} << 16) | (std::size_t{byte(6)} << 8) | byte(7);
        header_.clear();
    }
}

}  // namespace davit::cli
