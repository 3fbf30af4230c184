#include "api/attach.hpp"

#include <fcntl.h>

#include "base/check.hpp"
#include "http/codec.hpp"
#include "http/peer_read.hpp"
#include "http/pump.hpp"

namespace davit::api {
namespace {

constexpr std::chrono::seconds kSendPatience{10};
constexpr std::chrono::milliseconds kHeadPatience{100};

bool isDetachKey(std::string_view key) {
    if (key.size() == 1) return true;
    if (key.size() != 6 || !key.starts_with("ctrl-")) return false;
    const char c = key[5];
    return (c >= 'a' && c <= 'z') || std::string_view("@[\\]^_").find(c) != std::string_view::npos;
}

}  // namespace

RawClient takeOver(const Context& context, Request& request, bool multiplexed) {
    const bool upgrade = request.head().headers.has("Upgrade");
    http::ResponseHead head{upgrade ? 101U : 200U, upgrade ? "UPGRADED" : "OK", 11, Request::commonHeaders()};
    head.headers.add("Content-Type", multiplexed && request.atLeast(42) ? "application/vnd.docker.multiplexed-stream"
                                                                        : "application/vnd.docker.raw-stream");
    if (upgrade) {
        head.headers.add("Connection", "Upgrade");
        head.headers.add("Upgrade", "tcp");
    }
    http::Hijacked hijacked = request.exchange().hijack({});
    UniqueFd socket = hijacked.stream->isPlain()
                          ? hijacked.stream->releaseFd()
                          : http::pumpToSocket(context.server.reactor(), std::move(hijacked.stream));
    return {std::move(socket), std::move(hijacked.early), http::printHead(head)};
}

void checkDetachKeys(const std::string& keys) {
    std::string_view rest = keys;
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        if (!isDetachKey(rest.substr(0, comma))) throw error(Code::invalid, "Invalid detach keys ({}) provided", keys);
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
}

bool sendGreeting(RawClient& client) {
    if (!sendText(client.socket.get(), std::exchange(client.greeting, {}))) return false;
    http::waitUntilRead(client.socket.get(), kHeadPatience);
    return true;
}

bool sendText(int socket, std::string_view text) {
    const http::Deadline deadline = http::after(kSendPatience);
    try {
        // A duplicate, because a Stream owns its descriptor.
        const auto stream = http::streamOf(UniqueFd(check(::fcntl(socket, F_DUPFD_CLOEXEC, 0), "duplicate a socket")));
        stream->write(text, deadline);
        return true;
    } catch (const Error&) {
        return false;
    }
}

}  // namespace davit::api
