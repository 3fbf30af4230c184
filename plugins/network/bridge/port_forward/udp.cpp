// Datagrams: each client of a port gets a socket of its own to the target, so that answers find their way back.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include <new>

#include "port.hpp"

namespace davit::bridge::forward {
namespace {

constexpr time_t kSilence = 90;  // seconds, as docker-proxy has it
constexpr int kTurn = 64;        // datagrams, then it is another socket's turn

char g_datagram[65536];

struct Talk : Flow {
    Watch target;
    struct sockaddr_in6 client {};
    struct in6_pktinfo local {};  ///< where the client sent to: answers come from there
    time_t used = 0;
};

time_t now() {
    struct timespec time {};
    (void)::clock_gettime(CLOCK_MONOTONIC, &time);  // can't fail for this clock
    return time.tv_sec;
}

struct Control {
    alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(struct in6_pktinfo))] = {};
};

// The answer of a target goes to its client; one that can't be sent is lost, as datagrams are.
void targetReady(Watch* watch, uint32_t) {
    auto* talk = static_cast<Talk*>(watch->owner);
    for (int turn = 0; turn < kTurn; ++turn) {
        const ssize_t size = ::recv(watch->fd, g_datagram, sizeof g_datagram, 0);
        if (size < 0) return;
        talk->used = now();
        Control control{};
        struct iovec part = {g_datagram, static_cast<size_t>(size)};
        struct msghdr message {};
        message.msg_name = &talk->client;
        message.msg_namelen = sizeof talk->client;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr* from = CMSG_FIRSTHDR(&message);
        from->cmsg_level = IPPROTO_IPV6;
        from->cmsg_type = IPV6_PKTINFO;
        from->cmsg_len = CMSG_LEN(sizeof talk->local);
        memcpy(CMSG_DATA(from), &talk->local, sizeof talk->local);
        (void)::sendmsg(talk->port->socket.fd, &message, 0);
    }
}

bool same(const Talk* talk, const struct sockaddr_in6& client, const struct in6_pktinfo& local) {
    return talk->client.sin6_port == client.sin6_port && memcmp(&talk->client.sin6_addr, &client.sin6_addr, sizeof client.sin6_addr) == 0 &&
           memcmp(&talk->local.ipi6_addr, &local.ipi6_addr, sizeof local.ipi6_addr) == 0;
}

Talk* begin(Port* port, const struct sockaddr_in6& client, const struct in6_pktinfo& local) {
    void* memory = g_flows_left > 0 ? ::malloc(sizeof(Talk)) : nullptr;
    if (memory == nullptr) return nullptr;
    auto* talk = new (memory) Talk;
    talk->client = client;
    talk->local = local;
    linkFlow(port, talk);
    struct sockaddr_storage address {};
    socklen_t size = 0;
    talk->target = {openTarget(port->entry.target, &address, &size), targetReady, talk};
    if (talk->target.fd >= 0 && ::connect(talk->target.fd, reinterpret_cast<const struct sockaddr*>(&address), size) == 0 &&
        loopSet(&talk->target, EPOLLIN))
        return talk;
    udpEnd(talk);
    return nullptr;
}

// The client's talk, moved to the front.
Talk* talkOf(Port* port, const struct sockaddr_in6& client, const struct in6_pktinfo& local) {
    for (Flow* flow = port->flows; flow != nullptr; flow = flow->next) {
        auto* talk = static_cast<Talk*>(flow);
        if (!same(talk, client, local)) continue;
        unlinkFlow(flow);
        linkFlow(port, flow);
        return talk;
    }
    return begin(port, client, local);
}

}  // namespace

bool udpPrepare(int socket) {
    const int on = 1;
    return ::setsockopt(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0;
}

void udpReady(Watch* socket, uint32_t) {
    auto* port = static_cast<Port*>(socket->owner);
    for (int turn = 0; turn < kTurn; ++turn) {
        struct sockaddr_in6 client {};
        struct in6_pktinfo local {};
        Control control{};
        struct iovec part = {g_datagram, sizeof g_datagram};
        struct msghdr message {};
        message.msg_name = &client;
        message.msg_namelen = sizeof client;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        const ssize_t size = ::recvmsg(socket->fd, &message, MSG_DONTWAIT);
        if (size < 0) return;
        const struct cmsghdr* to = CMSG_FIRSTHDR(&message);
        if (to != nullptr && to->cmsg_type == IPV6_PKTINFO) memcpy(&local, CMSG_DATA(to), sizeof local);
        Talk* talk = talkOf(port, client, local);
        if (talk == nullptr) continue;
        talk->used = now();
        // ECONNREFUSED is the news of an earlier datagram, and this one wasn't sent.
        if (::send(talk->target.fd, g_datagram, static_cast<size_t>(size), 0) < 0 && errno == ECONNREFUSED)
            (void)::send(talk->target.fd, g_datagram, static_cast<size_t>(size), 0);
    }
}

void udpEnd(Flow* flow) {
    auto* talk = static_cast<Talk*>(flow);
    unlinkFlow(flow);
    loopClose(&talk->target);
    loopFree(talk);
}

void udpSweep(Port* port) {
    const time_t oldest = now() - kSilence;
    for (Flow *flow = port->flows, *next = nullptr; flow != nullptr; flow = next) {
        next = flow->next;
        if (static_cast<Talk*>(flow)->used < oldest) udpEnd(flow);
    }
}

}  // namespace davit::bridge::forward
