// Attached clients: from an HTTP request to a plain socket that speaks Docker's stream protocol.
//
// After the head has been sent the daemon is out of the data path: the client's own socket goes to the shim. A TLS
// client, whose bytes need the daemon, gets a socket pair with a pump on the reactor.
#pragma once

#include <string>

#include "api/context.hpp"
#include "api/request.hpp"

namespace davit::api {

struct RawClient {
    UniqueFd socket;       ///< non-blocking
    std::string early;     ///< what the client has sent behind its request
    std::string greeting;  ///< the reply's head, still to be sent: its reading is the client's sign that it is attached
};

/// Leaves HTTP; the head to send is "101 UPGRADED" when the client asked for an upgrade, else the older "200 OK".
/// `multiplexed`: the bytes will be framed.
[[nodiscard]] RawClient takeOver(const Context& context, Request& request, bool multiplexed);

/// Throws Error{invalid} "Invalid detach keys (x) provided".
void checkDetachKeys(const std::string& keys);

/// Sends the greeting and gives the client a moment to read it before a stream follows (http/peer_read.hpp); false as below.
bool sendGreeting(RawClient& client);

/// Writes all of `text`, waiting at most a few seconds; false when the client doesn't take it.
bool sendText(int socket, std::string_view text);

}  // namespace davit::api
