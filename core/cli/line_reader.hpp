// Streams of JSON lines: events, stats.
#pragma once

#include <functional>
#include <string>

#include "base/byte_stream.hpp"

namespace davit::cli {

/// Calls `line` for every line that isn't blank, without its end, until the stream ends.
void forEachLine(ByteSource& source, const std::function<void(const std::string&)>& line);

}  // namespace davit::cli
