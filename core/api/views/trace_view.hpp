// A driver's calls as davit plugin trace gets them.
#pragma once

#include <string>

#include "plugin/call_trace.hpp"

namespace davit::api {

/// One line of JSON, with its end. Every record but the last kind has {Call, Phase, Time, Kind, Driver, Plugin, Method, Transport,
/// Isolation, Request}; texts that are cut have their whole size in bytes in RequestSize, ReplySize and Error.Size.
///     Phase "begin"
///     Phase "end": also Duration (ns), and Reply or Error {Code, Text} or both; SentBytes and ReceivedBytes of streams
///     {"dropped": n}: so many records were lost here
[[nodiscard]] std::string traceLine(const plugin::TraceRecord& record);

}  // namespace davit::api
