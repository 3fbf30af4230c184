#include "port_keeper.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cstring>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/process.hpp"

namespace davit::bridge {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* kProgram = "davit-port-forward";
constexpr timeval kPatience{5, 0};

// Beside this code, in the build tree, or where it is installed.
fs::path findProgram() {
    Dl_info own{};
    if (::dladdr(reinterpret_cast<const void*>(&findProgram), &own) == 0) throw Error(Code::system, "find the driver's own file");
    const fs::path directory = fs::absolute(own.dli_fname).parent_path();
    for (const char* place : {".", "../bin", "../../../libexec/davit"})
        if (fs::exists(directory / place / kProgram)) return fs::canonical(directory / place / kProgram);
    throw error(Code::system, "{} isn't installed: it belongs to the driver in {}", kProgram, directory.native());
}

// Below the descriptor of its directory: a socket's address is short.
sockaddr_un addressIn(int directory) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto end = fmt::format_to_n(address.sun_path, sizeof address.sun_path - 1, "/proc/self/fd/{}/{}", directory, forward::kSocketName);
    *end.out = '\0';
    return address;
}

UniqueFd newSocket() { return UniqueFd(check(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "open a unix socket")); }

void setPatience(int fd) {
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
        check(::setsockopt(fd, SOL_SOCKET, option, &kPatience, sizeof kPatience), "set a unix socket's timeout");
}

int connectTo(int fd, const sockaddr_un& address) { return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address); }

// Its first process ends at once and leaves the work to a child that isn't ours to wait for.
void spawn(const char* mode, int descriptor) {
    const UniqueFd null = openFile("/dev/null", O_WRONLY);
    auto child = ChildProcess::spawn({.program = findProgram(),
                                      .args = {kProgram, mode},
                                      .env = {},
                                      .stderr_fd = null.get(),
                                      .inherit = {descriptor},
                                      .new_session = true});
    const auto status = child.wait(5s);
    if (!status || status->dockerCode() != 0) throw error(Code::system, "start {}: it ended with {}", kProgram, status ? status->dockerCode() : -1);
}

struct Packet {
    explicit Packet(forward::Message& message, std::size_t size) : part{&message, size} {
        header.msg_iov = &part;
        header.msg_iovlen = 1;
    }
    void control(std::size_t descriptors) {
        header.msg_control = space;
        header.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
    }
    alignas(cmsghdr) char space[CMSG_SPACE(forward::kMostEntries * sizeof(int))] = {};
    iovec part;
    msghdr header{};
};

}  // namespace

void PortKeeper::startAttached() {
    int ends[2];
    check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "make a pair of sockets");
    UniqueFd own(ends[0]);
    const UniqueFd other(ends[1]);
    spawn("attached", other.get());
    connection_ = std::move(own);
}

void PortKeeper::start() {
    abandon();
    if (directory_.empty()) {
        startAttached();
    } else {
        const UniqueFd directory = openFile(directory_, O_PATH | O_DIRECTORY);
        const sockaddr_un address = addressIn(directory.get());
        if (::unlinkat(directory.get(), forward::kSocketName, 0) != 0 && errno != ENOENT) check(-1, "remove an old {}", address.sun_path);
        const UniqueFd listener = newSocket();
        check(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind {} in {}", forward::kSocketName,
              directory_.native());
        check(::listen(listener.get(), 4), "listen");
        // Before it runs: it ends when nobody has come.
        UniqueFd connection = newSocket();
        check(connectTo(connection.get(), address), "connect to {}", kProgram);
        spawn("listening", listener.get());
        connection_ = std::move(connection);
    }
    setPatience(connection_.get());
}

std::vector<PortKeeper::Kept> PortKeeper::adopt() {
    std::vector<Kept> kept;
    if (directory_.empty()) return kept;
    const UniqueFd directory = openFile(directory_, O_PATH | O_DIRECTORY);
    UniqueFd connection = newSocket();
    if (connectTo(connection.get(), addressIn(directory.get())) != 0) return kept;
    connection_ = std::move(connection);
    setPatience(connection_.get());
    try {
        forward::Message request;
        ask(request, {});
        while (answer(&kept).count > 0) continue;
    } catch (const Error&) {
        // Of another version, or it doesn't answer: it goes, and its ports are opened again.
        abandon();
        kept.clear();
    }
    return kept;
}

void PortKeeper::ask(forward::Message& message, const std::vector<int>& descriptors) {
    Packet packet(message, forward::sizeOf(message));
    if (!descriptors.empty()) {
        packet.control(descriptors.size());
        cmsghdr* rights = CMSG_FIRSTHDR(&packet.header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
        std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size() * sizeof(int));
    }
    check(::sendmsg(connection_.get(), &packet.header, MSG_NOSIGNAL), "ask {}", kProgram);
}

forward::Message PortKeeper::answer(std::vector<Kept>* kept) {
    forward::Message message;
    Packet packet(message, sizeof message);
    packet.control(forward::kMostEntries);
    const auto size = check(::recvmsg(connection_.get(), &packet.header, MSG_CMSG_CLOEXEC), "wait for {}", kProgram);
    std::vector<UniqueFd> descriptors;
    if (const cmsghdr* rights = CMSG_FIRSTHDR(&packet.header); size > 0 && rights != nullptr && rights->cmsg_type == SCM_RIGHTS)
        for (std::size_t i = 0; i < (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(rights) + i * sizeof number, sizeof number);
            descriptors.emplace_back(number);
        }
    if (size < static_cast<ssize_t>(forward::kHeader)) throw error(Code::system, "{} has ended", kProgram);
    pid_ = message.pid;
    if (message.status != 0 || message.version != forward::kVersion) {
        const int code = message.status != 0 ? static_cast<int>(message.status) : EPROTO;
        throw Error::system(fmt::format("ask {}", kProgram), code);
    }
    if (message.count > descriptors.size()) throw error(Code::system, "{} answers with {} of {} sockets", kProgram, descriptors.size(), message.count);
    for (std::uint32_t i = 0; kept != nullptr && i < message.count; ++i) kept->push_back({message.entries[i], std::move(descriptors[i])});
    return message;
}

void PortKeeper::add(const std::vector<Handed>& ports) {
    if (ports.empty()) return;
    if (!connection_) start();
    for (std::size_t at = 0; at < ports.size();) {
        forward::Message request;
        request.command = forward::Command::add;
        std::vector<int> descriptors;
        for (; at < ports.size() && request.count < forward::kMostEntries; ++at) {
            request.entries[request.count++] = ports[at].entry;
            descriptors.push_back(ports[at].socket);
        }
        ask(request, descriptors);
        (void)answer();
    }
}

void PortKeeper::remove(const std::vector<forward::Place>& hosts) {
    for (std::size_t at = 0; connection_ && at < hosts.size();) {
        forward::Message request;
        request.command = forward::Command::remove;
        for (; at < hosts.size() && request.count < forward::kMostEntries; ++at) request.entries[request.count++].host = hosts[at];
        ask(request, {});
        (void)answer();
    }
}

void PortKeeper::finish() {
    if (!connection_) return;
    // First the name: no later driver may find a process that is about to end.
    if (!directory_.empty()) (void)::unlink((directory_ / forward::kSocketName).c_str());  // else the next start removes it
    connection_.reset();
    pid_ = 0;
}

void PortKeeper::abandon() noexcept {
    connection_.reset();
    const int pid = std::exchange(pid_, 0);
    if (pid <= 0) return;
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!process) return;
    // The number may be another's by now; what the descriptor stands for doesn't change any more.
    try {
        const auto name = readFile(fmt::format("/proc/{}/comm", pid));
        if (!name || name->compare(0, 15, std::string(kProgram).substr(0, 15)) != 0) return;
    } catch (const std::exception&) {
        return;
    }
    (void)::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
    pollfd ended{process.get(), POLLIN, 0};
    (void)::poll(&ended, 1, 5000);
}

bool PortKeeper::alive() const noexcept {
    char byte = 0;
    const ssize_t got = ::recv(connection_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return connection_ && got < 0 && (errno == EAGAIN || errno == EINTR);
}

}  // namespace davit::bridge
