#include "port.hpp"

#include <string.h>

namespace davit::bridge::forward {

void linkFlow(Port* port, Flow* flow) {
    flow->port = port;
    flow->previous = nullptr;
    flow->next = port->flows;
    if (flow->next != nullptr) flow->next->previous = flow;
    port->flows = flow;
    --g_flows_left;
}

void unlinkFlow(Flow* flow) {
    if (flow->previous != nullptr)
        flow->previous->next = flow->next;
    else
        flow->port->flows = flow->next;
    if (flow->next != nullptr) flow->next->previous = flow->previous;
    ++g_flows_left;
}

int openTarget(const Place& target, struct sockaddr_storage* address, socklen_t* size) {
    if (target.family == 4) {
        auto* ipv4 = reinterpret_cast<struct sockaddr_in*>(address);
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons(target.port);
        memcpy(&ipv4->sin_addr, target.address, sizeof ipv4->sin_addr);
        *size = sizeof *ipv4;
    } else {
        auto* ipv6 = reinterpret_cast<struct sockaddr_in6*>(address);
        ipv6->sin6_family = AF_INET6;
        ipv6->sin6_port = htons(target.port);
        memcpy(&ipv6->sin6_addr, target.address, sizeof ipv6->sin6_addr);
        *size = sizeof *ipv6;
    }
    const int type = target.protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
    return ::socket(address->ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

}  // namespace davit::bridge::forward
