// What davitd and a shim say to each other: datagrams on a SOCK_SEQPACKET unix socket (<run_dir>/shim.sock, or the
// socketpair that the shim was started with). Requests have a serial number that the reply repeats; events have serial 0.
// Descriptors travel with SCM_RIGHTS on the datagram they belong to. Structs only grow at their end (as in plan.hpp).
//
// No standard library types: the shim is built without it.
#pragma once

#include <stdint.h>

namespace davit::protocol {

enum class Type : uint32_t {
    // requests; with the struct and descriptors that follow
    state = 1,    ///< -> StateReply
    attach = 2,   ///< AttachRequest + client socket -> Reply
    resize = 3,   ///< ResizeRequest -> Reply
    signal = 4,   ///< SignalRequest -> Reply
    exec = 5,     ///< plan::Exec in a memory file [+ client socket] -> Reply, when the program runs or has failed
    release = 6,  ///< after the exit: clean up and end -> Reply
    freeze = 7,   ///< FreezeRequest -> Reply
    ack = 8,      ///< AckRequest: the exit is known, its clients may see the end; no reply
    launch = 9,   ///< the first one to a new shim: its plan in a memory file + client sockets -> started or failed
    // answers and events
    reply = 32,
    state_reply = 33,
    started = 64,      ///< Reply with pid and time: the first datagram when the start worked
    failed = 65,       ///< Reply: the first datagram when it didn't
    exited = 66,       ///< Exit
    oom = 67,
    exec_exited = 68,  ///< Exit with the exec's id
    detached = 69,     ///< Exit with the exec's id or none
    warning = 70,      ///< Reply with a text: a limit that this kernel doesn't have
};

struct Message {
    Type type = Type::state;
    uint32_t serial = 0;
};

inline constexpr uint32_t kIdLength = 80;  ///< longest exec id, with its NUL
inline constexpr uint32_t kTextLength = 1024;

struct Reply {
    Message message;
    int32_t error = 0;      ///< errno; its text is appended to `text`
    int32_t exit_code = 0;  ///< 126 or 127 when the program can't be run, else 0
    int32_t failed = 0;
    int32_t pid = 0;
    int64_t time_ns = 0;    ///< since 1970
    char text[kTextLength] = {};
};

struct Exit {
    Message message;
    int32_t code = 0;
    int32_t oom = 0;
    int64_t time_ns = 0;
    char exec_id[kIdLength] = {};
};

struct StateReply {
    Message message;
    int32_t pid = 0;
    int32_t running = 0;
    int32_t paused = 0;
    int32_t exit_code = 0;
    int32_t oom = 0;
    int32_t exec_count = 0;
    int64_t started_ns = 0;
    int64_t finished_ns = 0;
    uint64_t log_errors = 0;
    char execs[64][kIdLength] = {};
};

struct AttachRequest {
    Message message;
    uint32_t streams = 0;  ///< bit 0 stdin, 1 stdout, 2 stderr
    uint32_t framed = 0;
    uint32_t keys_length = 0;
    uint32_t early_length = 0;
    unsigned char keys[64] = {};
    unsigned char early[65536] = {};
};

struct ResizeRequest {
    Message message;
    uint32_t rows = 0;
    uint32_t columns = 0;
    char exec_id[kIdLength] = {};  ///< empty: the container
};

struct SignalRequest {
    Message message;
    int32_t signal = 0;
    char exec_id[kIdLength] = {};
};

struct AckRequest {
    Message message;
    char exec_id[kIdLength] = {};  ///< empty: the container
};

struct FreezeRequest {
    Message message;
    uint32_t frozen = 0;
};

}  // namespace davit::protocol
