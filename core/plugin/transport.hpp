// Transport: carries one message of the plugin protocol to a driver and its answer back. Two exist: a function call into a
// loaded .so (in_process_transport.hpp) and HTTP (http_transport.hpp). Both carry the same texts.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

#include "base/byte_stream.hpp"
#include "base/error.hpp"

namespace davit::plugin {

/// The longest reply that is read; SEC-63.
inline constexpr std::size_t kMaxReply = std::size_t{4} << 20U;

/// One request. At most one of the two streams is set, according to wire::rawStreamOf(method).
struct Call {
    std::string_view method;   ///< "VolumeDriver.Mount"
    std::string_view request;  ///< a JSON object; empty: {}
    ByteSource* body = nullptr;
    ByteSink* stream = nullptr;
    /// For the whole call; of calls with a stream, for each step without progress.
    std::chrono::milliseconds timeout{30000};
    /// Set by another thread when the caller went away; nullptr: it never does. In process the driver can ask for it.
    const std::atomic<bool>* cancelled = nullptr;
};

class Transport {
  public:
    virtual ~Transport() = default;
    /// Returns the reply's JSON text, which may still say {"Err": …}. Throws Error: with the driver's code and text when it
    /// refused, {unimplemented} when it lacks the method, {unavailable} when it can't be reached, {deadline},
    /// {invalid} when the answer is longer than kMaxReply or no answer. Any thread, concurrently.
    virtual std::string call(const Call& call) = 0;
};

/// A refusal from a server that gives texts but no codes: every Docker plugin. Its code is `system`.
class ForeignError final : public Error {
  public:
    explicit ForeignError(std::string text) : Error(Code::system, std::move(text)) {}
};

/// How long a method may take when nothing is configured: Docker's limits for volumes, the same idea for the kinds for
/// which Docker waits for ever.
[[nodiscard]] std::chrono::milliseconds methodTimeout(std::string_view method);

}  // namespace davit::plugin
