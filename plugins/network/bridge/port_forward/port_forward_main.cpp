// davit-port-forward: keeps the host's ports that the bridge driver published, and carries what the kernel can't translate: what
// comes to [::1], and to the host's IPv6 addresses for containers that have none. One process for all ports of a driver; it goes
// on when the driver's process ends, and ends itself when it has no port and no driver. Started by the driver, never by hand.
//
// argument "listening": descriptor 3 is a listening socket where drivers connect; "attached": it is the connection of the driver.
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <new>

#include "port.hpp"

namespace davit::bridge::forward {

int g_flows_left = 0;

namespace {

constexpr rlim_t kOtherDescriptors = 4096;  // of ports and drivers
constexpr int kSweep_ms = 10000;
constexpr uid_t kNobody = 65534;

Port* g_ports = nullptr;
int g_drivers = 0;

struct Packet {
    Packet(Message* message, size_t size) : part{message, size} {
        header.msg_iov = &part;
        header.msg_iovlen = 1;
    }
    void control(size_t descriptors) {
        header.msg_control = space;
        header.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
    }
    alignas(struct cmsghdr) char space[CMSG_SPACE(kMostEntries * sizeof(int))] = {};
    struct iovec part;
    struct msghdr header {};
};

Port** find(const Place& host) {
    Port** at = &g_ports;
    while (*at != nullptr && memcmp(&(*at)->entry.host, &host, sizeof host) != 0) at = &(*at)->next;
    return at;
}

void endFlows(Port* port) {
    while (port->flows != nullptr) port->entry.host.protocol == IPPROTO_TCP ? tcpEnd(port->flows) : udpEnd(port->flows);
}

void removePort(const Place& host) {
    Port** at = find(host);
    Port* port = *at;
    if (port == nullptr) return;
    *at = port->next;
    endFlows(port);
    loopClose(&port->socket);
    loopFree(port);
}

bool addPort(const Entry& entry, int fd) {
    removePort(entry.host);
    void* memory = ::malloc(sizeof(Port));
    if (memory == nullptr) return false;
    auto* port = new (memory) Port;
    const bool tcp = entry.host.protocol == IPPROTO_TCP;
    port->entry = entry;
    port->socket = {fd, tcp ? tcpReady : udpReady, port};
    port->next = g_ports;
    g_ports = port;
    if (entry.target.port == 0) return true;
    return (tcp || udpPrepare(fd)) && loopSet(&port->socket, EPOLLIN);
}

uint32_t change(const Message& message, const int* descriptors, uint32_t count) {
    if (message.command == Command::add && count != message.count) return EINVAL;
    for (uint32_t i = 0; i < message.count; ++i) {
        if (message.command == Command::remove)
            removePort(message.entries[i].host);
        else if (!addPort(message.entries[i], descriptors[i]))
            return ENOMEM;
    }
    return 0;
}

bool send(int fd, Message* message, const int* descriptors, uint32_t count) {
    message->pid = ::getpid();
    Packet packet(message, sizeOf(*message));
    if (count > 0) {
        packet.control(count);
        struct cmsghdr* rights = CMSG_FIRSTHDR(&packet.header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(rights), descriptors, count * sizeof(int));
    }
    return ::sendmsg(fd, &packet.header, MSG_NOSIGNAL) >= 0;
}

bool list(int fd) {
    Message answer;
    int descriptors[kMostEntries];
    for (const Port* port = g_ports; port != nullptr; port = port->next) {
        descriptors[answer.count] = port->socket.fd;
        answer.entries[answer.count++] = port->entry;
        if (answer.count < kMostEntries && port->next != nullptr) continue;
        if (!send(fd, &answer, descriptors, answer.count)) return false;
        answer.count = 0;
    }
    return send(fd, &answer, nullptr, 0);
}

void driverReady(Watch* watch, uint32_t) {
    static Message message;
    Packet packet(&message, sizeof message);
    packet.control(kMostEntries);
    const ssize_t size = ::recvmsg(watch->fd, &packet.header, MSG_CMSG_CLOEXEC);
    int descriptors[kMostEntries];
    uint32_t count = 0;
    const struct cmsghdr* rights = size > 0 ? CMSG_FIRSTHDR(&packet.header) : nullptr;
    if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS) {
        count = static_cast<uint32_t>((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(descriptors, CMSG_DATA(rights), count * sizeof(int));
    }
    const bool known = size >= static_cast<ssize_t>(kHeader) && message.version == kVersion && message.count <= kMostEntries &&
                       static_cast<size_t>(size) == sizeOf(message);
    bool ok = size > 0;
    if (known && message.command == Command::list) {
        ok = list(watch->fd);
    } else if (ok) {
        Message answer;
        answer.status = known ? change(message, descriptors, count) : EPROTO;
        ok = send(watch->fd, &answer, nullptr, 0);
    }
    if (ok) return;
    loopClose(watch);
    loopFree(watch);
    --g_drivers;
}

void addDriver(int fd) {
    if (fd < 0) return;
    void* memory = ::malloc(sizeof(Watch));
    auto* watch = memory != nullptr ? new (memory) Watch{fd, driverReady, nullptr} : nullptr;
    if (watch != nullptr && loopSet(watch, EPOLLIN)) {
        ++g_drivers;
        return;
    }
    (void)::close(fd);
    ::free(memory);
}

void listenerReady(Watch* listener, uint32_t) { addDriver(::accept4(listener->fd, nullptr, nullptr, SOCK_CLOEXEC)); }

// As little as it can be: what it needs is handed to it.
void dropRights() {
    struct rlimit limit {};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)::setrlimit(RLIMIT_NOFILE, &limit);  // what it has is enough to begin with
        const rlim_t room = limit.rlim_cur > 2 * kOtherDescriptors ? limit.rlim_cur - kOtherDescriptors : limit.rlim_cur / 2;
        g_flows_left = static_cast<int>((room < 1U << 20U ? room : 1U << 20U) / kDescriptorsOfFlow);
    }
    // Where a user namespace has no such user it goes on with what it has.
    (void)::setgroups(0, nullptr);
    (void)!::setresgid(kNobody, kNobody, kNobody);
    (void)!::setresuid(kNobody, kNobody, kNobody);
    (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)!::chdir("/");
    (void)::signal(SIGPIPE, SIG_IGN);
}

int run(bool listening) {
    dropRights();
    if (!loopInit()) return 1;
    static Watch listener = {kInherited, listenerReady, nullptr};
    if (listening)
        loopSet(&listener, EPOLLIN);
    else
        addDriver(kInherited);
    // The driver that starts it has connected already, or fails to.
    loopRound(kSweep_ms);
    while (g_drivers > 0 || (listening && g_ports != nullptr)) {
        loopRound(kSweep_ms);
        for (Port* port = g_ports; port != nullptr; port = port->next)
            if (port->entry.host.protocol == IPPROTO_UDP) udpSweep(port);
    }
    return 0;
}

}  // namespace
}  // namespace davit::bridge::forward

// A grandchild of the driver, so that nobody has to wait for its end.
int main(int count, char** arguments) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid < 0 ? 1 : 0;
    return davit::bridge::forward::run(count > 1 && ::strcmp(arguments[1], "listening") == 0);
}
