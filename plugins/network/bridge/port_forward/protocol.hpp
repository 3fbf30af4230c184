// What the driver and davit-port-forward say to each other, over a SOCK_SEQPACKET connection. Every message is answered.
//
//     add      entries with one descriptor each, in their order   ->  a status
//     remove   entries; only their hosts count                    ->  a status
//     list     nothing                                            ->  entries with descriptors, the last message without any
//
// A helper outlives the driver that started it: whoever changes a layout here raises kVersion. To a driver of another version it
// answers EPROTO and who it is, and is ended and replaced. What stands before the entries never moves.
#pragma once

#include <stdint.h>

namespace davit::bridge::forward {

constexpr uint32_t kVersion = 1;
constexpr uint32_t kMostEntries = 64;  ///< of one message; the kernel passes up to 253 descriptors
constexpr int kInherited = 3;          ///< the descriptor that a helper begins with
constexpr const char* kSocketName = "port-forward.sock";  ///< in the driver's state directory

enum class Command : uint32_t { add = 1, remove = 2, list = 3 };

/// An address of TCP or UDP.
struct Place {
    uint8_t protocol = 0;    ///< of IP
    uint8_t family = 0;      ///< 4 or 6
    uint16_t port = 0;       ///< in the host's byte order
    uint8_t address[16] = {};  ///< in network order; the first four bytes for IPv4
};
static_assert(sizeof(Place) == 20);

struct Entry {
    Place host;
    Place target;  ///< port 0: the socket is only kept
};

struct Message {
    uint32_t version = kVersion;
    Command command = Command::list;
    uint32_t status = 0;  ///< of answers: an errno
    int32_t pid = 0;      ///< of answers: the helper's
    uint32_t count = 0;
    Entry entries[kMostEntries];
};

constexpr uint32_t kHeader = sizeof(Message) - sizeof(Message::entries);
/// What of a message is sent.
constexpr uint32_t sizeOf(const Message& message) { return kHeader + message.count * static_cast<uint32_t>(sizeof(Entry)); }

}  // namespace davit::bridge::forward
