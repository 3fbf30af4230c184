// One connection to a shim: datagrams of shim_protocol.hpp with descriptors. Used by shim_client and shim_monitor only.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.hpp"
#include "runtime/shim_protocol.hpp"

namespace davit::runtime {

/// A received datagram; `as<T>()` gives zeros for what a shorter one lacks.
struct ShimDatagram {
    std::string bytes;

    template <typename T>
    [[nodiscard]] T as() const {
        T value{};
        const std::size_t length = bytes.size() < sizeof value ? bytes.size() : sizeof value;
        __builtin_memcpy(static_cast<void*>(&value), bytes.data(), length);
        return value;
    }
    [[nodiscard]] protocol::Message message() const { return as<protocol::Message>(); }
};

class ShimConnection {
  public:
    explicit ShimConnection(UniqueFd fd) : fd_(std::move(fd)) {}

    /// std::nullopt when nobody listens in run_dir.
    [[nodiscard]] static std::optional<ShimConnection> open(const std::filesystem::path& run_dir);

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    /// Any thread. Throws Error{unavailable} when the shim is gone.
    void send(std::string_view datagram, const std::vector<int>& fds = {}) const;
    /// std::nullopt: nothing within `timeout`. An empty datagram: the shim is gone.
    [[nodiscard]] std::optional<ShimDatagram> receive(std::chrono::milliseconds timeout) const;

  private:
    UniqueFd fd_;
};

template <typename T>
[[nodiscard]] std::string_view bytesOf(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

}  // namespace davit::runtime
