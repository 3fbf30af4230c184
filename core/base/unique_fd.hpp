// UniqueFd: sole owner of a file descriptor. Whoever opens one opens it O_CLOEXEC.
#pragma once

#include <unistd.h>

#include <utility>

namespace davit {

class UniqueFd {
  public:
    UniqueFd() noexcept = default;
    explicit UniqueFd(int fd) noexcept : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    explicit operator bool() const noexcept { return fd_ >= 0; }

    void reset(int fd = -1) noexcept {
        // close(2) on Linux always releases the descriptor, even when it reports EINTR or EIO.
        if (fd_ >= 0) (void)::close(fd_);
        fd_ = fd;
    }

  private:
    int fd_ = -1;
};

}  // namespace davit
