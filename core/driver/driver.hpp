// What the four driver interfaces share. Start here, then open the kind that you need:
//
//     storage_driver.hpp    layers and root file systems                GraphDriver.* on the wire
//     network_driver.hpp    networks, endpoints, joins                  NetworkDriver.*
//     ipam_driver.hpp       address pools                               IpamDriver.*
//     volume_driver.hpp     named volumes                               VolumeDriver.*
//
// A driver is a class that implements one of them: request struct in, reply struct out. It never knows whether it is called
// in process or over HTTP. Rules for every method of every kind:
//   - Threads: called from any thread, several calls at a time. The driver does its own locking.
//   - Idempotence: a call may be repeated when the caller lost the answer. Creating what exists in the same shape and
//     removing what doesn't exist succeed.
//   - Errors: throw davit::Error with a code and a text "what object: cause". Nothing half-done is left behind.
//   - Optional methods: not overridden means absent; the base throws Error{unimplemented} and the core falls back.
//   - State: a driver's process may end at any instruction. What it answered for, it must still know after a restart.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/byte_stream.hpp"
#include "base/error.hpp"

namespace davit {

enum class DriverKind : int { storage = 1, network = 2, ipam = 3, volume = 4 };

using Options = std::map<std::string, std::string>;

[[noreturn]] inline void unimplemented(std::string_view method) {
    throw Error(Code::unimplemented, std::string(method) + ": not implemented by this driver");
}

}  // namespace davit
