#include "runtime/shim/control.hpp"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/shim/exec.hpp"

namespace davit::shim {
namespace {

using launcher::Fd;
using launcher::TextBuffer;
using protocol::Type;

struct Connection {
    Watch watch;  // first: a Watch* is a Connection*
    Connection* next;
};

constexpr int kMaxDescriptors = 4;

Connection* g_connections = nullptr;
Watch g_listener;
bool g_released = false;

/// One received datagram.
struct Datagram {
    alignas(8) char bytes[sizeof(protocol::AttachRequest)];  // the longest
    size_t size;
    Fd fds[kMaxDescriptors];
};

void closeConnection(Connection* connection) {
    for (Connection** at = &g_connections; *at != nullptr; at = &(*at)->next) {
        if (*at != connection) continue;
        *at = connection->next;
        break;
    }
    forgetRequester(connection->watch.fd);
    loopClose(&connection->watch);
    loopFree(connection);
}

/// The request as its struct; a shorter one of an older daemon leaves zeros.
template <typename Request>
Request requestOf(const Datagram& datagram) {
    Request request;
    memcpy(static_cast<void*>(&request), datagram.bytes, datagram.size < sizeof request ? datagram.size : sizeof request);
    return request;
}

void answer(int fd, uint32_t serial, bool worked) {
    protocol::Reply reply = worked ? protocol::Reply{} : failureReply(serial);
    reply.message = {Type::reply, serial};
    controlSend(fd, &reply, sizeof reply);
}

void sendState(int fd, uint32_t serial) {
    static protocol::StateReply state;
    memset(static_cast<void*>(&state), 0, sizeof state);
    state.message = {Type::state_reply, serial};
    state.pid = g_container.running ? g_container.init.pid : 0;
    state.running = g_container.running;
    state.paused = g_container.paused;
    state.exit_code = g_container.exit_code;
    state.oom = g_container.oom;
    state.started_ns = g_container.started_ns;
    state.finished_ns = g_container.finished_ns;
    state.log_errors = g_container.log.errors();
    constexpr int kMax = sizeof state.execs / sizeof state.execs[0];
    for (const ExecProcess* process = g_container.execs; process != nullptr && state.exec_count < kMax; process = process->next)
        if (process->running) memcpy(state.execs[state.exec_count++], process->id, protocol::kIdLength);
    const auto size = offsetof(protocol::StateReply, execs) + static_cast<size_t>(state.exec_count) * protocol::kIdLength;
    controlSend(fd, &state, static_cast<uint32_t>(size));
}

bool attach(Datagram* datagram) {
    const auto& request = *reinterpret_cast<const protocol::AttachRequest*>(datagram->bytes);
    if (datagram->size < offsetof(protocol::AttachRequest, early) || !datagram->fds[0]) return launcher::fail("attach without a client");
    const size_t available = datagram->size - offsetof(protocol::AttachRequest, early);
    ClientOptions options;
    options.streams = request.streams;
    options.framed = request.framed != 0;
    options.keys = request.keys;
    options.key_count = request.keys_length < sizeof request.keys ? request.keys_length : 0;
    options.early = reinterpret_cast<const char*>(request.early);
    options.early_size = request.early_length < available ? request.early_length : available;
    return ioAttach(&g_container.io, datagram->fds[0].release(), options) || launcher::fail("out of memory");
}

bool resize(const protocol::ResizeRequest& request) {
    if (request.exec_id[0] == '\0')
        return ioResize(&g_container.io, request.rows, request.columns) || launcher::failWithErrno("resize the terminal");
    const ExecProcess* process = findExec(request.exec_id);
    if (process == nullptr) return launcher::fail("no such exec runs");
    return ioResize(&process->io, request.rows, request.columns) || launcher::failWithErrno("resize the terminal");
}

bool sendSignal(const protocol::SignalRequest& request) {
    if (request.exec_id[0] == '\0') return signalContainer(request.signal);
    const ExecProcess* process = findExec(request.exec_id);
    if (process == nullptr || !process->running) return launcher::fail("no such exec runs");
    return ::syscall(SYS_pidfd_send_signal, process->child.pidfd.get(), request.signal, nullptr, 0) == 0 ||
           launcher::failWithErrno("signal the exec");
}

/// The reply comes when the program runs or has failed.
bool exec(int fd, uint32_t serial, Datagram* datagram) {
    struct stat facts;
    if (!datagram->fds[0] || ::fstat(datagram->fds[0].get(), &facts) != 0) return launcher::fail("exec without a plan");
    const auto size = static_cast<size_t>(facts.st_size);
    void* block = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, datagram->fds[0].get(), 0);
    if (block == MAP_FAILED) return launcher::failWithErrno("map the exec plan");
    const plan::View view(block, size);
    const bool worked = view.valid() ? startExec(view, view.root<plan::Exec>(), datagram->fds[1].release(), fd, serial)
                                     : launcher::fail("the exec plan is of an unknown version");
    (void)::munmap(block, size);
    return worked;
}

void acknowledge(const protocol::AckRequest& request) {
    if (request.exec_id[0] == '\0') return ioRelease(&g_container.io);
    ExecProcess* process = findExec(request.exec_id);
    if (process != nullptr) ioRelease(&process->io);
}

bool release() {
    if (g_container.running) return launcher::fail("the container is running");
    cleanUpContainer();
    g_released = true;
    return true;
}

void serve(int fd, Datagram* datagram) {
    protocol::Message message;
    memcpy(static_cast<void*>(&message), datagram->bytes, sizeof message);
    const uint32_t serial = message.serial;
    switch (message.type) {
        case Type::state: return sendState(fd, serial);
        case Type::attach: return answer(fd, serial, attach(datagram));
        case Type::resize: return answer(fd, serial, resize(requestOf<protocol::ResizeRequest>(*datagram)));
        case Type::signal: return answer(fd, serial, sendSignal(requestOf<protocol::SignalRequest>(*datagram)));
        case Type::freeze:
            return answer(fd, serial, freezeContainer(requestOf<protocol::FreezeRequest>(*datagram).frozen != 0));
        case Type::exec:
            if (!exec(fd, serial, datagram)) answer(fd, serial, false);
            return;
        case Type::ack: return acknowledge(requestOf<protocol::AckRequest>(*datagram));
        case Type::release: return answer(fd, serial, release());
        default: break;
    }
    launcher::fail("unknown request");
    answer(fd, serial, false);
}

/// False at the connection's end.
bool receive(int fd, Datagram* datagram) {
    struct iovec part = {datagram->bytes, sizeof datagram->bytes};
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptors)] = {};
    struct msghdr header {};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t count = ::recvmsg(fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        datagram->size = 0;
        return true;
    }
    if (count <= 0) return false;
    datagram->size = static_cast<size_t>(count);
    struct cmsghdr* entry = CMSG_FIRSTHDR(&header);
    if (entry == nullptr || entry->cmsg_level != SOL_SOCKET || entry->cmsg_type != SCM_RIGHTS) return true;
    const size_t descriptors = (entry->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < descriptors && i < kMaxDescriptors; ++i) {
        int descriptor = -1;
        memcpy(&descriptor, CMSG_DATA(entry) + i * sizeof(int), sizeof descriptor);
        datagram->fds[i].reset(descriptor);
    }
    return true;
}

void connectionReady(Watch* watch, uint32_t) {
    auto* connection = reinterpret_cast<Connection*>(watch);
    static Datagram datagram;
    for (Fd& fd : datagram.fds) fd.reset();
    if (!receive(watch->fd, &datagram)) return closeConnection(connection);
    if (datagram.size >= sizeof(protocol::Message)) serve(watch->fd, &datagram);
    for (Fd& fd : datagram.fds) fd.reset();
}

void listenerReady(Watch* watch, uint32_t) {
    const int fd = ::accept4(watch->fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    struct ucred peer {};
    socklen_t length = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && (peer.uid == 0 || peer.uid == ::geteuid()))
        controlAdopt(fd);
    else
        (void)::close(fd);
}

}  // namespace

void controlAdopt(int fd) {
    if (fd < 0) return;
    auto* connection = static_cast<Connection*>(::calloc(1, sizeof(Connection)));
    if (connection == nullptr) return (void)::close(fd);
    connection->watch.fd = fd;
    connection->watch.ready = connectionReady;
    connection->next = g_connections;
    g_connections = connection;
    loopSet(&connection->watch, EPOLLIN);
}

bool controlListen(const char* directory) {
    // A socket's path has at most 107 bytes: the name alone, from inside the directory.
    struct sockaddr_un address {};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, "shim.sock", 10);
    g_listener.fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (g_listener.fd < 0 || ::chdir(directory) != 0) return false;
    (void)::unlink(address.sun_path);
    const mode_t mask = ::umask(0177);
    const bool bound = ::bind(g_listener.fd, reinterpret_cast<struct sockaddr*>(&address), sizeof address) == 0;
    (void)::umask(mask);
    (void)!::chdir("/");
    if (!bound || ::listen(g_listener.fd, 8) != 0) return false;
    g_listener.ready = listenerReady;
    loopSet(&g_listener, EPOLLIN);
    return true;
}

void controlSend(int fd, const void* datagram, uint32_t size) {
    if (::send(fd, datagram, size, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return;
    // A daemon that doesn't read is asked to come back: then it gets the state as a whole.
    (void)::shutdown(fd, SHUT_RDWR);
}

void controlBroadcast(const void* datagram, uint32_t size) {
    for (const Connection* connection = g_connections; connection != nullptr; connection = connection->next)
        controlSend(connection->watch.fd, datagram, size);
}

bool controlConnected() { return g_connections != nullptr; }
bool controlReleased() { return g_released; }

protocol::Reply failureReply(uint32_t serial) {
    protocol::Reply reply;
    reply.message = {Type::reply, serial};
    reply.failed = 1;
    reply.error = launcher::g_failure.error;
    reply.exit_code = launcher::g_failure.exit_code;
    TextBuffer(reply.text, sizeof reply.text).add(launcher::g_failure.text);
    return reply;
}

}  // namespace davit::shim
