#include "api/errors.hpp"

#include "base/json.hpp"
#include "http/message.hpp"

namespace davit::api {

unsigned statusOf(const Error& failure) noexcept {
    if (const auto* own = dynamic_cast<const http::StatusError*>(&failure)) return own->status();
    switch (failure.code()) {
        case Code::invalid: return 400;
        case Code::not_found: return 404;
        case Code::conflict: return 409;
        case Code::forbidden: return 403;
        case Code::unimplemented: return 501;
        case Code::unavailable: return 503;
        case Code::cancelled: return 499;
        case Code::ok:
        case Code::deadline:
        case Code::system: break;
    }
    return 500;
}

std::string errorBody(std::string_view message) { return "{\"message\":" + json::quote(message) + "}\n"; }

std::string streamedError(std::string_view message) {
    const std::string text = json::quote(message);
    return "{\"errorDetail\":{\"message\":" + text + "},\"error\":" + text + "}\r\n";
}

}  // namespace davit::api
