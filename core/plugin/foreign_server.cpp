#include "plugin/foreign_server.hpp"

#include <algorithm>
#include <thread>

#include "base/check.hpp"
#include "base/json.hpp"

namespace davit::plugin {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int kDeadAfter = 2;

// Failures on the way, as opposed to an answer that says no.
bool isTransportFailure(const Error& e) { return e.code() == Code::unavailable || e.code() == Code::deadline; }

DriverInfo infoOf(const ServerFile& file, const HttpTransport& http) {
    return {.kind = std::nullopt,
            .name = file.name,
            .description = {},
            .plugin = file.name,
            .version = {},
            .file = file.file.native(),
            .transport = http.address().text(),
            .isolation = Isolation::server,
            .reason = {}};
}

// The way to a server as it is listened to, without what else ForeignServer::call() does.
class TappedHttp final : public Transport {
  public:
    TappedHttp(HttpTransport& http, const CallTap& tap) : http_(http), tap_(tap) {}
    std::string call(const Call& call) override {
        return tap_.around(call, [this](const Call& forwarded) { return http_.call(forwarded); });
    }

  private:
    HttpTransport& http_;
    const CallTap& tap_;
};

}  // namespace

std::vector<std::string> askImplements(Transport& transport, std::string_view who, milliseconds timeout) {
    const std::string reply = transport.call({.method = "Plugin.Activate", .request = {}, .timeout = timeout});
    std::vector<std::string> implements;
    try {
        const json::Document document = json::Document::parse(reply, 64);
        implements = document.root()["Implements"].strings();
    } catch (const Error& e) {
        throw error(Code::invalid, "plugin {}: bad reply to Plugin.Activate: {}", who, e.text());
    }
    if (implements.empty()) throw error(Code::invalid, "plugin {}: it implements nothing", who);
    return implements;
}

std::string callWithReconnect(Transport& transport, const Call& call, milliseconds reconnect) {
    const auto end = std::chrono::steady_clock::now() + std::min(reconnect, call.timeout);
    for (milliseconds wait = 10ms;; wait = std::min(wait * 2, milliseconds(500))) {
        try {
            return transport.call(call);
        } catch (const Error& e) {
            const bool undelivered = e.sysErrno() == ECONNREFUSED || e.sysErrno() == ENOENT;
            if (e.code() != Code::unavailable || !undelivered || std::chrono::steady_clock::now() + wait > end) throw;
        }
        std::this_thread::sleep_for(wait);
    }
}

ForeignServer::ForeignServer(ServerFile file, std::shared_ptr<CallTrace> trace)
    : file_(std::move(file)), http_(addressOf(file_)), tap_(std::move(trace), infoOf(file_, http_)) {}

ForeignServer::ForeignServer(Known known, std::shared_ptr<CallTrace> trace)
    : file_{.name = std::move(known.name), .file = {}},
      limit_(known.limit),
      http_(std::move(known.address)),
      tap_(std::move(trace), infoOf(file_, http_)) {
    const Lock lock(mutex_);
    state_ = DriverState::active;
    asked_ = true;
    interfaces_.insert(known.interfaces.begin(), known.interfaces.end());
}

std::string ForeignServer::call(const Call& call) {
    return tap_.around(call, [this](const Call& forwarded) { return callNow(forwarded); });
}

std::string ForeignServer::callNow(const Call& given) {
    Call call = given;
    if (limit_ > 0ms) call.timeout = std::min(call.timeout, limit_);
    milliseconds reconnect = kReconnect;
    {
        const Lock lock(mutex_);
        // A list is asked of all servers at once, and whoever just went away must not hold the others up.
        if (state_ == DriverState::dead || call.method == "VolumeDriver.List") reconnect = 0ms;
    }
    try {
        std::string reply = callWithReconnect(http_, call, reconnect);
        noteAnswer();
        return reply;
    } catch (const Error& e) {
        note(e);
        throw;
    }
}

void ForeignServer::note(const Error& e) {
    if (isTransportFailure(e))
        noteFailure(e.text());
    else
        noteAnswer();
}

void ForeignServer::activate(milliseconds timeout) {
    {
        const Lock lock(mutex_);
        if (!interfaces_.empty()) return;
        asked_ = true;
    }
    std::vector<std::string> implements;
    try {
        // No pauses: who named the server waits for it by other means, an enumeration doesn't wait at all.
        TappedHttp http(http_, tap_);
        implements = askImplements(http, file_.name, timeout);
    } catch (const Error& e) {
        note(e);
        throw;
    }
    noteAnswer();
    const Lock lock(mutex_);
    interfaces_.insert(implements.begin(), implements.end());
}

std::set<std::string, std::less<>> ForeignServer::interfaces() const {
    const Lock lock(mutex_);
    return interfaces_;
}

bool ForeignServer::asked() const {
    const Lock lock(mutex_);
    return asked_;
}

std::vector<DriverInfo> ForeignServer::describe() const {
    DriverInfo info = infoOf(file_, http_);
    const Lock lock(mutex_);
    info.state = state_;
    info.reason = reason_;
    std::vector<DriverInfo> result;
    for (const std::string& interface : interfaces_) {
        const auto kind = kindOfInterface(interface);
        if (!kind) continue;
        info.kind = *kind;
        result.push_back(info);
    }
    if (interfaces_.empty()) result.push_back(info);
    return result;
}

void ForeignServer::noteAnswer() {
    const Lock lock(mutex_);
    state_ = DriverState::active;
    reason_.clear();
    failures_ = 0;
}

void ForeignServer::noteFailure(const std::string& reason) {
    const Lock lock(mutex_);
    ++failures_;
    state_ = failures_ >= kDeadAfter ? DriverState::dead : DriverState::suspect;
    reason_ = reason;
}

}  // namespace davit::plugin
