#include "runtime/shim/io.hpp"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>

namespace davit::shim {
namespace {

constexpr size_t kReadSize = 32768;
constexpr size_t kHighWater = 1U << 20;    // a client's backlog that stops the process's output
constexpr size_t kLowWater = kHighWater / 2;
constexpr size_t kInputSize = 65536;
constexpr size_t kFrameHeader = 8;
constexpr int64_t kReleasePatience = 2'000'000'000;  // ns

char g_block[kReadSize];

int64_t monotonicClock() {
    struct timespec now;
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

void setNonBlocking(int fd) { (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

size_t backlog(const Client* client) { return client->end - client->begin; }

void updateOutput(Io* io) {
    size_t worst = 0;
    for (const Client* client = io->clients; client != nullptr; client = client->next)
        if (backlog(client) > worst) worst = backlog(client);
    io->paused = io->paused ? worst > kLowWater : worst > kHighWater;
    loopSet(&io->out, io->paused ? 0U : uint32_t{EPOLLIN});
    loopSet(&io->err, io->paused ? 0U : uint32_t{EPOLLIN});
}

void updateClient(Client* client) {
    const Io* io = client->io;
    const bool room = io->pending_end - io->pending_begin < kInputSize;
    uint32_t events = 0;
    if (client->input_open && room) events |= EPOLLIN;
    if (backlog(client) != 0) events |= EPOLLOUT;
    // EPOLLHUP can't be masked; EPOLLERR alone keeps the descriptor in the loop to notice it.
    loopSet(&client->watch, events != 0 ? events : uint32_t{EPOLLERR});
}

void dropClient(Client* client) {
    Io* io = client->io;
    for (Client** at = &io->clients; *at != nullptr; at = &(*at)->next) {
        if (*at != client) continue;
        *at = client->next;
        break;
    }
    // Unread input at close would make the peer see a reset instead of an end.
    (void)::shutdown(client->watch.fd, SHUT_WR);
    char rest[4096];
    while (::recv(client->watch.fd, rest, sizeof rest, MSG_DONTWAIT) > 0) {
    }
    loopClose(&client->watch);
    ::free(client->buffer);
    loopFree(client);
    updateOutput(io);
}

/// False when the client is gone.
bool sendPending(Client* client) {
    while (backlog(client) != 0) {
        const ssize_t count = ::write(client->watch.fd, client->buffer + client->begin, backlog(client));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
        if (count <= 0) {
            dropClient(client);
            return false;
        }
        client->begin += static_cast<size_t>(count);
    }
    client->begin = client->end = 0;
    if (client->capacity > kReadSize * 4) {
        ::free(client->buffer);
        client->buffer = nullptr;
        client->capacity = 0;
    }
    if (!client->finishing) return true;
    dropClient(client);
    return false;
}

bool reserve(Client* client, size_t more) {
    if (client->begin != 0) {
        memmove(client->buffer, client->buffer + client->begin, backlog(client));
        client->end -= client->begin;
        client->begin = 0;
    }
    if (client->end + more <= client->capacity) return true;
    size_t capacity = client->capacity != 0 ? client->capacity : kReadSize;
    while (capacity < client->end + more) capacity *= 2;
    auto* larger = static_cast<char*>(::realloc(client->buffer, capacity));
    if (larger == nullptr) return false;
    client->buffer = larger;
    client->capacity = capacity;
    return true;
}

void sendOutput(Client* client, Stream stream, const char* data, size_t size) {
    const size_t header_size = client->framed ? kFrameHeader : 0;
    if (!reserve(client, size + header_size)) return dropClient(client);
    if (client->framed) {
        const unsigned char header[kFrameHeader] = {static_cast<unsigned char>(stream + 1), 0, 0, 0,
                                                    static_cast<unsigned char>(size >> 24),
                                                    static_cast<unsigned char>(size >> 16),
                                                    static_cast<unsigned char>(size >> 8),
                                                    static_cast<unsigned char>(size)};
        memcpy(client->buffer + client->end, header, kFrameHeader);
        client->end += kFrameHeader;
    }
    memcpy(client->buffer + client->end, data, size);
    client->end += size;
    if (sendPending(client)) updateClient(client);
}

void deliver(Io* io, Stream stream, const char* data, size_t size) {
    if (io->log != nullptr) io->log->write(stream, data, size);
    const uint32_t wanted = stream == stream_out ? uint32_t{bit_out} : uint32_t{bit_err};
    for (Client* client = io->clients; client != nullptr;) {
        Client* next = client->next;
        if ((client->streams & wanted) && !client->finishing) sendOutput(client, stream, data, size);
        client = next;
    }
}

/// Reads one block; false when there is no more now, and closes at the end.
bool pump(Io* io, Watch* watch, Stream stream) {
    if (watch->fd < 0) return false;
    const ssize_t count = ::read(watch->fd, g_block, sizeof g_block);
    if (count > 0) {
        deliver(io, stream, g_block, static_cast<size_t>(count));
        return true;
    }
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return false;
    loopClose(watch);  // the end; a terminal says EIO
    return false;
}

Io* ofOut(Watch* watch) { return reinterpret_cast<Io*>(reinterpret_cast<char*>(watch) - offsetof(Io, out)); }
Io* ofErr(Watch* watch) { return reinterpret_cast<Io*>(reinterpret_cast<char*>(watch) - offsetof(Io, err)); }
Io* ofIn(Watch* watch) { return reinterpret_cast<Io*>(reinterpret_cast<char*>(watch) - offsetof(Io, in)); }

void outReady(Watch* watch, uint32_t) {
    Io* io = ofOut(watch);
    (void)pump(io, watch, stream_out);
    updateOutput(io);
}

void errReady(Watch* watch, uint32_t) {
    Io* io = ofErr(watch);
    (void)pump(io, watch, stream_err);
    updateOutput(io);
}

void updateClients(Io* io) {
    for (Client* client = io->clients; client != nullptr; client = client->next) updateClient(client);
}

void flushInput(Io* io) {
    while (io->in.fd >= 0 && io->pending_begin != io->pending_end) {
        const ssize_t count = ::write(io->in.fd, io->pending + io->pending_begin, io->pending_end - io->pending_begin);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (count <= 0) loopClose(&io->in);  // the process has closed its stdin
        else io->pending_begin += static_cast<size_t>(count);
    }
    const bool empty = io->in.fd < 0 || io->pending_begin == io->pending_end;
    if (empty) io->pending_begin = io->pending_end = 0;
    if (empty && io->input_ended) loopClose(&io->in);
    loopSet(&io->in, empty ? 0U : uint32_t{EPOLLOUT});
    updateClients(io);
}

void inReady(Watch* watch, uint32_t) { flushInput(ofIn(watch)); }

void addInput(Io* io, const unsigned char* data, size_t size) {
    if (io->in.fd < 0 || size == 0) return;
    if (io->pending == nullptr) io->pending = static_cast<char*>(::malloc(kInputSize * 2));
    if (io->pending == nullptr) return;
    if (io->pending_begin != 0) {
        memmove(io->pending, io->pending + io->pending_begin, io->pending_end - io->pending_begin);
        io->pending_end -= io->pending_begin;
        io->pending_begin = 0;
    }
    const size_t room = kInputSize * 2 - io->pending_end;
    if (size > room) size = room;  // can't be: clients are read only while a whole block fits
    memcpy(io->pending + io->pending_end, data, size);
    io->pending_end += size;
}

/// Passes input on; true when the detach sequence is complete.
bool takeInput(Client* client, const unsigned char* data, size_t size) {
    Io* io = client->io;
    if (client->key_count == 0 || !io->terminal) {
        addInput(io, data, size);
        return false;
    }
    for (size_t i = 0; i < size; ++i) {
        if (data[i] == client->keys[client->key_matched]) {
            if (++client->key_matched == client->key_count) return true;
            continue;
        }
        addInput(io, client->keys, client->key_matched);  // it wasn't the sequence: what was held back goes on
        client->key_matched = data[i] == client->keys[0] ? 1 : 0;
        if (client->key_matched == 0) addInput(io, data + i, 1);
    }
    return false;
}

void endOfInput(Client* client) {
    Io* io = client->io;
    client->input_open = false;
    if (io->stdin_once && !io->terminal) io->input_ended = true;
}

/// False when the client is gone.
bool readClient(Client* client) {
    unsigned char block[16384];
    const ssize_t count = ::read(client->watch.fd, block, sizeof block);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return true;
    if (count > 0) {
        Io* io = client->io;
        if (takeInput(client, block, static_cast<size_t>(count))) {
            dropClient(client);
            if (io->detached != nullptr) io->detached(io);
            flushInput(io);
            return false;
        }
    } else {
        endOfInput(client);
        if (count < 0) {
            Io* io = client->io;
            dropClient(client);
            flushInput(io);
            return false;
        }
    }
    flushInput(client->io);
    return true;
}

void clientReady(Watch* watch, uint32_t events) {
    auto* client = reinterpret_cast<Client*>(watch);
    if ((events & EPOLLIN) && !readClient(client)) return;
    if ((events & EPOLLOUT) && !sendPending(client)) return;
    if ((events & (EPOLLHUP | EPOLLERR)) && !(events & EPOLLIN)) {
        Io* io = client->io;
        if (client->input_open) endOfInput(client);
        dropClient(client);
        return flushInput(io);
    }
    updateClient(client);
    updateOutput(client->io);
}

}  // namespace

void ioStart(Io* io, int in, int out, int err) {
    io->in.fd = in;
    io->out.fd = out;
    io->err.fd = err;
    io->in.ready = inReady;
    io->out.ready = outReady;
    io->err.ready = errReady;
    for (const int fd : {in, out, err})
        if (fd >= 0) setNonBlocking(fd);
    flushInput(io);
    updateOutput(io);
}

bool ioAttach(Io* io, int fd, const ClientOptions& options) {
    auto* client = static_cast<Client*>(::calloc(1, sizeof(Client)));
    if (client == nullptr) return (void)::close(fd), false;
    setNonBlocking(fd);
    client->watch.fd = fd;
    client->watch.ready = clientReady;
    client->io = io;
    client->streams = options.streams;
    client->framed = options.framed && !io->terminal;
    client->input_open = options.streams & bit_in;
    client->key_count = options.key_count < sizeof client->keys ? options.key_count : 0;
    if (client->key_count != 0) memcpy(client->keys, options.keys, client->key_count);
    client->next = io->clients;
    io->clients = client;
    if (client->input_open && options.early_size != 0 &&
        takeInput(client, reinterpret_cast<const unsigned char*>(options.early), options.early_size))
        return dropClient(client), true;
    flushInput(io);
    if (io->released) ioRelease(io);  // too late: it sees the end at once
    return true;
}

void ioFinish(Io* io) {
    loopClose(&io->in);
    while (pump(io, &io->out, stream_out)) {
    }
    while (pump(io, &io->err, stream_err)) {
    }
    loopClose(&io->out);
    loopClose(&io->err);
    if (io->log != nullptr) io->log->finish();
    for (Client* client = io->clients; client != nullptr; client = client->next) {
        client->input_open = false;
        updateClient(client);
    }
    io->ended = true;
    io->ended_ns = monotonicClock();
    ::free(io->pending);
    io->pending = nullptr;
    io->pending_begin = io->pending_end = 0;
}

void ioRelease(Io* io) {
    if (!io->ended) return;
    io->released = true;
    for (Client* client = io->clients; client != nullptr;) {
        Client* next = client->next;
        client->finishing = true;
        client->input_open = false;
        if (sendPending(client)) updateClient(client);
        client = next;
    }
}

bool ioAwaitsRelease(Io* io, bool daemon_connected) {
    if (!io->ended || io->released) return false;
    if (io->clients != nullptr && daemon_connected && monotonicClock() - io->ended_ns < kReleasePatience) return true;
    ioRelease(io);
    return false;
}

bool ioBusy(const Io* io) { return io->clients != nullptr; }

void ioAbandon(Io* io) {
    while (io->clients != nullptr) dropClient(io->clients);
}

bool ioResize(const Io* io, uint32_t rows, uint32_t columns) {
    if (!io->terminal || io->out.fd < 0) return errno = ENOTTY, false;
    const struct winsize size = {static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
    return ::ioctl(io->out.fd, TIOCSWINSZ, &size) == 0;
}

}  // namespace davit::shim
