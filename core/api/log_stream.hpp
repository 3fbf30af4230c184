// Logs as Docker streams them: framed or raw, with time stamps and attributes, to the end or following.
#pragma once

#include <string>

#include "api/context.hpp"
#include "api/request.hpp"
#include "runtime/log_reader.hpp"

namespace davit::api {

struct LogFormat {
    bool tty = false;         ///< raw bytes instead of frames
    bool timestamps = false;  ///< fixed-width RFC 3339 in front of each record
    bool details = false;     ///< "key=value,… " in front of each record
};

/// Docker's frame: stream (1 out, 2 err), three zeros, big-endian length, payload.
[[nodiscard]] std::string frame(unsigned stream, std::string_view payload);

/// One record on the wire.
[[nodiscard]] std::string formatRecord(const runtime::LogRecord& record, const LogFormat& format);

/// GET /containers/{name}/logs. Followers hold no thread: the log's descriptor is in the server's reactor, and a worker
/// runs only while there is something to send and the client takes it.
void streamLogs(const Context& context, Request& request);

}  // namespace davit::api
