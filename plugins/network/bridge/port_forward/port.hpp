// A port of the host that the helper keeps, and the connections through it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/epoll_loop.hpp"
#include "protocol.hpp"

namespace davit::bridge::forward {

/// One connection, or the datagrams of one client. The beginning of what each protocol keeps.
struct Flow {
    struct Port* port = nullptr;
    Flow* next = nullptr;
    Flow* previous = nullptr;
};

struct Port {
    Entry entry;
    Watch socket;
    Flow* flows = nullptr;  ///< the latest used first
    Port* next = nullptr;
};

/// How many more flows the limit of descriptors has room for.
extern int g_flows_left;
constexpr int kDescriptorsOfFlow = 6;

void linkFlow(Port* port, Flow* flow);
void unlinkFlow(Flow* flow);

/// An unconnected socket to the target and its address; -1 and errno.
int openTarget(const Place& target, struct sockaddr_storage* address, socklen_t* size);

// tcp.cpp
void tcpReady(Watch* socket, uint32_t events);
void tcpEnd(Flow* flow);

// udp.cpp
bool udpPrepare(int socket);
void udpReady(Watch* socket, uint32_t events);
void udpEnd(Flow* flow);
/// Ends the flows of a port that were silent for long.
void udpSweep(Port* port);

}  // namespace davit::bridge::forward
