// FrameDecoder: takes Docker's multiplexed stream apart (8-byte headers: stream, 0, 0, 0, length in network order).
#pragma once

#include <string>
#include <string_view>

namespace davit::cli {

class FrameDecoder {
  public:
    /// `raw`: there are no frames, all is standard output (containers with a terminal).
    explicit FrameDecoder(bool raw, int out_fd = 1, int err_fd = 2) : raw_(raw), out_fd_(out_fd), err_fd_(err_fd) {}

    /// Writes the payload of `bytes` to the two descriptors. Throws Error{invalid} for what is no frame and for the
    /// daemon's error frames.
    void feed(std::string_view bytes);

  private:
    void payload(std::string_view bytes);

    bool raw_;
    int out_fd_;
    int err_fd_;
    std::string header_;
    std::string daemon_error_;
    unsigned char stream_ = 0;
    std::size_t left_ = 0;  ///< payload bytes of the current frame still to come
};

}  // namespace davit::cli
