// The shim's control connections: the daemon's requests and the events for it (shim_protocol.hpp).
#pragma once

#include "runtime/launcher/failure.hpp"
#include "runtime/shim_protocol.hpp"

namespace davit::shim {

/// Takes the connection that the shim was started with; -1: none.
void controlAdopt(int fd);
/// Listens on "shim.sock" in `directory`, 0600.
bool controlListen(const char* directory);
/// To all connections.
void controlBroadcast(const void* datagram, uint32_t size);
/// To one; a connection that doesn't take it is closed.
void controlSend(int fd, const void* datagram, uint32_t size);
bool controlConnected();
/// True when the daemon has asked for the end.
bool controlReleased();

protocol::Reply failureReply(uint32_t serial);

}  // namespace davit::shim
