// The standard streams of one process (the container's first or an exec'ed one) and the clients attached to them.
//
// Output goes to the log and to every client that wants it. A client that reads slowly is buffered up to a bound; beyond it
// the process's output isn't read until the client has caught up (Docker's blocking mode). Input of all clients goes to the
// process; when it doesn't read, the clients aren't read.
#pragma once

#include "base/epoll_loop.hpp"
#include "runtime/shim/log_writer.hpp"

namespace davit::shim {

enum StreamBit : uint32_t { bit_in = 1, bit_out = 2, bit_err = 4 };

struct Io;

struct Client {
    Watch watch;  // first: a Watch* is a Client*
    Io* io = nullptr;
    Client* next = nullptr;
    uint32_t streams = 0;
    bool framed = false;
    bool input_open = false;
    bool finishing = false;  ///< closed as soon as its buffer is empty
    char* buffer = nullptr;  ///< pending output: [begin, end) of capacity
    size_t begin = 0;
    size_t end = 0;
    size_t capacity = 0;
    unsigned char keys[64] = {};  ///< detach sequence
    uint32_t key_count = 0;
    uint32_t key_matched = 0;
};

struct Io {
    Watch in;   ///< the write end of stdin; -1: none
    Watch out;  ///< stdout, or the terminal
    Watch err;
    Client* clients = nullptr;
    LogWriter* log = nullptr;
    const char* id = "";  ///< of the exec; empty: the container
    bool terminal = false;
    bool stdin_once = false;   ///< the end of a client's input is the process's
    bool input_ended = false;  ///< stdin is closed when the buffer is empty
    bool paused = false;
    bool ended = false;       ///< the process has ended; clients stay until ioRelease()
    bool released = false;
    int64_t ended_ns = 0;     ///< monotonic
    char* pending = nullptr;  ///< input that the process hasn't read
    size_t pending_begin = 0;
    size_t pending_end = 0;
    void (*detached)(const Io* io) = nullptr;
};

/// Describes a client to attach.
struct ClientOptions {
    uint32_t streams = 0;
    bool framed = false;
    const void* keys = nullptr;
    uint32_t key_count = 0;
    const char* early = nullptr;
    size_t early_size = 0;
};

/// Takes the descriptors and begins to read. Any may be -1.
void ioStart(Io* io, int in, int out, int err);
/// Takes `fd`. False when memory is short (then fd is closed).
bool ioAttach(Io* io, int fd, const ClientOptions& options);
/// The process has ended: reads what is left and writes the log's rest. Clients don't see the end before ioRelease().
void ioFinish(Io* io);
/// Lets clients go when they have got everything: called when the daemon knows the exit, so that who sees the end of the
/// stream and asks for the exit code gets it.
void ioRelease(Io* io);
/// True between ioFinish() and ioRelease() when there are clients; releases when the daemon takes too long or is gone.
bool ioAwaitsRelease(Io* io, bool daemon_connected);
/// False when no client is left.
bool ioBusy(const Io* io);
/// Drops clients at once.
void ioAbandon(Io* io);
bool ioResize(const Io* io, uint32_t rows, uint32_t columns);

}  // namespace davit::shim
