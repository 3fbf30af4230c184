#include "plugin/in_process_transport.hpp"

#include <time.h>

#include <exception>
#include <span>

#include "base/file.hpp"
#include "davit/wire.hpp"

namespace davit::plugin {
namespace {

// Texts longer than this are cut by the driver.
constexpr std::size_t kMessageSize = 4096;

struct ErrorBuffer {
    char text[kMessageSize];
    davit_error error{sizeof(davit_error), DAVIT_OK, 0, kMessageSize, text};
    ErrorBuffer() { text[0] = '\0'; }

    [[noreturn]] void raise(std::int32_t result, std::string_view what) const {
        const bool known = result > DAVIT_OK && result <= DAVIT_SYSTEM;
        std::string message = text[0] != '\0' ? text : std::string(what) + ": failed without a reason";
        throw Error(known ? static_cast<Code>(result) : Code::system, std::move(message), error.sys_errno);
    }
};

std::int64_t appendReply(void* ctx, const void* data, std::size_t length) {
    auto& reply = *static_cast<std::string*>(ctx);
    if (length > kMaxReply - reply.size()) return -EMSGSIZE;
    try {
        reply.append(static_cast<const char*>(data), length);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    return 0;
}

// The engine's end of a raw stream: what it throws waits here while the driver unwinds in its own way.
struct StreamEnd {
    ByteSource* source = nullptr;
    ByteSink* sink = nullptr;
    std::exception_ptr failure;
};

std::int64_t readBody(void* ctx, void* buffer, std::size_t length) {
    auto& end = *static_cast<StreamEnd*>(ctx);
    try {
        return static_cast<std::int64_t>(end.source->read({static_cast<std::byte*>(buffer), length}));
    } catch (...) {  // the plugin boundary: nothing may unwind through it
        end.failure = std::current_exception();
        return -EIO;
    }
}

std::int64_t writeStream(void* ctx, const void* data, std::size_t length) {
    auto& end = *static_cast<StreamEnd*>(ctx);
    try {
        end.sink->write({static_cast<const std::byte*>(data), length});
        return 0;
    } catch (...) {  // the plugin boundary: nothing may unwind through it
        end.failure = std::current_exception();
        return -EPIPE;
    }
}

std::int64_t deadlineAfter(std::chrono::milliseconds timeout) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000 + timeout.count();
}

int isCancelled(void* ctx) { return static_cast<const std::atomic<bool>*>(ctx)->load() ? 1 : 0; }

void logLine(void* ctx, std::int32_t level, davit_str text) {
    const auto& options = *static_cast<const OpenOptions*>(ctx);
    if (!options.log) return;
    const int clamped = level < 0 ? 0 : level > 3 ? 3 : level;
    try {
        options.log(static_cast<log::Level>(clamped), {text.data, text.len});
    } catch (...) {  // the plugin boundary: a lost log line is better than a lost daemon
    }
}

const void* queryHost(void* ctx, const char* id) {
    const auto& options = *static_cast<const OpenOptions*>(ctx);
    if (std::string_view(id) != DAVIT_HOST_STATE_DIRECTORY || options.state_directory.empty()) return nullptr;
    try {
        makeDirectories(options.state_directory, 0700);
        return options.state_directory.c_str();
    } catch (const std::exception& e) {  // the plugin boundary
        if (options.log) options.log(log::Level::error, e.what());
        return nullptr;
    }
}

}  // namespace

InProcessTransport::InProcessTransport(const davit_driver& driver, OpenOptions options)
    : driver_(driver), options_(std::move(options)) {
    host_ = {sizeof(davit_host), &options_, options_.engine_version.c_str(), &logLine,
             &queryHost};
    ErrorBuffer err;
    const davit_str config{options_.config_json.data(), options_.config_json.size()};
    const std::int32_t result = driver_.open(&host_, config, &self_, &err.error);
    if (result != DAVIT_OK) err.raise(result, std::string("open driver ") + driver_.name);
}

InProcessTransport::~InProcessTransport() { driver_.close(self_); }

std::string InProcessTransport::call(const Call& call) {
    std::string reply;
    StreamEnd end{.source = call.body, .sink = call.stream, .failure = nullptr};
    const davit_writer reply_writer{&reply, &appendReply};
    const davit_reader body{&end, &readBody};
    const davit_writer stream{&end, &writeStream};
    const bool streaming = call.body != nullptr || call.stream != nullptr;
    const davit_call message{.size = sizeof(davit_call),
                             .flags = 0,
                             .method = {call.method.data(), call.method.size()},
                             .request = {call.request.data(), call.request.size()},
                             .reply = &reply_writer,
                             .body = call.body != nullptr ? &body : nullptr,
                             .stream = call.stream != nullptr ? &stream : nullptr,
                             .deadline_ms = streaming ? 0 : deadlineAfter(call.timeout),
                             .cancel_ctx = const_cast<std::atomic<bool>*>(call.cancelled),
                             .cancelled = call.cancelled != nullptr ? &isCancelled : nullptr};
    ErrorBuffer err;
    const std::int32_t result = driver_.call(self_, &message, &err.error);
    if (end.failure) std::rethrow_exception(end.failure);
    if (result != DAVIT_OK) err.raise(result, call.method);
    return reply;
}

}  // namespace davit::plugin
