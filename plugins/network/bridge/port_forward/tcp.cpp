// Connections: bytes move through pipes and never through this process.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <initializer_list>
#include <new>

#include "port.hpp"

namespace davit::bridge::forward {
namespace {

constexpr uint32_t kEdges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
constexpr size_t kPipe = 65536;
constexpr int kRounds = 32;  // then it is another connection's turn
constexpr int kBacklogTurn = 64;

struct Direction {
    int pipe[2] = {-1, -1};
    size_t held = 0;
    bool ended = false;   ///< nothing more to read
    bool closed = false;  ///< and the other side knows
};

struct Connection : Flow {
    Watch client, target;
    Direction up, down;
    bool connected = false;
};

bool wouldBlock() { return errno == EAGAIN || errno == EINTR; }

// False: the connection is broken. *more: there may be more to do at once.
bool pump(Direction* way, int from, int to, bool* more) {
    constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
    *more = false;
    for (int round = 0; round < kRounds; ++round) {
        bool moved = false;
        if (!way->ended && way->held < kPipe) {
            const ssize_t got = ::splice(from, nullptr, way->pipe[1], nullptr, kPipe - way->held, kFlags);
            if (got < 0 && !wouldBlock()) return false;
            if (got > 0) way->held += static_cast<size_t>(got);
            way->ended = got == 0;
            moved = got > 0;
        }
        if (way->held > 0) {
            const ssize_t sent = ::splice(way->pipe[0], nullptr, to, nullptr, way->held, kFlags);
            if (sent < 0 && !wouldBlock()) return false;
            if (sent > 0) way->held -= static_cast<size_t>(sent);
            moved = moved || sent > 0;
        }
        if (!moved) break;
        *more = round + 1 == kRounds;
    }
    if (way->ended && way->held == 0 && !way->closed) {
        (void)::shutdown(to, SHUT_WR);  // one that is broken is seen at the next event
        way->closed = true;
    }
    return true;
}

void reset(Connection* connection) {
    const struct linger at_once = {1, 0};
    for (const Watch* side : {&connection->client, &connection->target})
        if (side->fd >= 0) (void)::setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    tcpEnd(connection);
}

void connectionReady(Watch* watch, uint32_t) {
    auto* connection = static_cast<Connection*>(watch->owner);
    if (!connection->connected) {
        int failure = 0;
        socklen_t size = sizeof failure;
        struct sockaddr_storage peer {};
        socklen_t peer_size = sizeof peer;
        if (::getsockopt(connection->target.fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0 || failure != 0) return reset(connection);
        connection->connected = ::getpeername(connection->target.fd, reinterpret_cast<struct sockaddr*>(&peer), &peer_size) == 0;
        if (!connection->connected) return;
    }
    const int client = connection->client.fd, target = connection->target.fd;
    bool more_up = false, more_down = false;
    if (!pump(&connection->up, client, target, &more_up) || !pump(&connection->down, target, client, &more_down)) return reset(connection);
    if (connection->up.closed && connection->down.closed) return tcpEnd(connection);
    if (more_up || more_down) loopAgain(watch);
}

bool begin(Connection* connection) {
    for (Direction* way : {&connection->up, &connection->down})
        if (::pipe2(way->pipe, O_CLOEXEC | O_NONBLOCK) != 0) return false;
    struct sockaddr_storage address {};
    socklen_t size = 0;
    connection->target.fd = openTarget(connection->port->entry.target, &address, &size);
    if (connection->target.fd < 0) return false;
    const int result = ::connect(connection->target.fd, reinterpret_cast<const struct sockaddr*>(&address), size);
    if (result != 0 && errno != EINPROGRESS) return false;
    return loopSet(&connection->target, kEdges) && loopSet(&connection->client, kEdges);
}

}  // namespace

void tcpEnd(Flow* flow) {
    auto* connection = static_cast<Connection*>(flow);
    unlinkFlow(flow);
    loopClose(&connection->client);
    loopClose(&connection->target);
    for (const Direction* way : {&connection->up, &connection->down})
        for (const int end : way->pipe)
            if (end >= 0) (void)::close(end);
    loopFree(connection);
}

void tcpReady(Watch* socket, uint32_t) {
    auto* port = static_cast<Port*>(socket->owner);
    for (int turn = 0; turn < kBacklogTurn; ++turn) {
        const int client = ::accept4(socket->fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client < 0) return;
        void* memory = g_flows_left > 0 ? ::malloc(sizeof(Connection)) : nullptr;
        if (memory == nullptr) {  // one too many is refused: left in the queue it would be reported without end
            (void)::close(client);
            continue;
        }
        auto* connection = new (memory) Connection;
        connection->client = {client, connectionReady, connection};
        connection->target = {-1, connectionReady, connection};
        linkFlow(port, connection);
        connection->port = port;
        if (!begin(connection)) reset(connection);
    }
}

}  // namespace davit::bridge::forward
