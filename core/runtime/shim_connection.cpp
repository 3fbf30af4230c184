#include "runtime/shim_connection.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "base/check.hpp"

namespace davit::runtime {
namespace {

constexpr std::size_t kMaxDescriptors = 253;  // the kernel's limit

}  // namespace

std::optional<ShimConnection> ShimConnection::open(const std::filesystem::path& run_dir) {
    // A socket's path has at most 107 bytes: through the directory's descriptor it is always short.
    const UniqueFd directory(::open(run_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return std::nullopt;
    UniqueFd fd(check(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "make a socket"));
    struct sockaddr_un address {};
    address.sun_family = AF_UNIX;
    const std::string path = fmt::format("/proc/self/fd/{}/shim.sock", directory.get());
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (::connect(fd.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address) != 0) return std::nullopt;
    return ShimConnection(std::move(fd));
}

void ShimConnection::send(std::string_view datagram, const std::vector<int>& fds) const {
    struct iovec part = {const_cast<char*>(datagram.data()), datagram.size()};
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptors)] = {};
    struct msghdr header {};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (fds.size() > kMaxDescriptors) throw error(Code::invalid, "too many descriptors for one message: {}", fds.size());
    if (!fds.empty()) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
        struct cmsghdr* entry = CMSG_FIRSTHDR(&header);
        entry->cmsg_level = SOL_SOCKET;
        entry->cmsg_type = SCM_RIGHTS;
        entry->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
        std::memcpy(CMSG_DATA(entry), fds.data(), sizeof(int) * fds.size());
    }
    ssize_t count;
    do count = ::sendmsg(fd_.get(), &header, MSG_NOSIGNAL);
    while (count < 0 && errno == EINTR);
    if (count < 0) {
        const int saved = errno;
        throw Error(Code::unavailable, fmt::format("the container's shim doesn't answer: {}", std::strerror(saved)), saved);
    }
}

std::optional<ShimDatagram> ShimConnection::receive(std::chrono::milliseconds timeout) const {
    struct pollfd wait = {fd_.get(), POLLIN, 0};
    int ready;
    do ready = ::poll(&wait, 1, static_cast<int>(timeout.count()));
    while (ready < 0 && errno == EINTR);
    if (ready <= 0) return std::nullopt;
    ShimDatagram datagram;
    datagram.bytes.resize(sizeof(protocol::StateReply) + 256);
    const ssize_t count = ::recv(fd_.get(), datagram.bytes.data(), datagram.bytes.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
    datagram.bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return datagram;
}

}  // namespace davit::runtime
