// The one failure type of davit: a code, a text, the errno behind it.
//
// Header-only and free of third-party headers, because plugin authors include it through the SDK. The codes are those of
// davit/plugin.h, so that an error keeps its meaning from a driver through the plugin boundary to the HTTP status.
#pragma once

#include <cerrno>
#include <cstring>
#include <exception>
#include <string>
#include <utility>

namespace davit {

/// What kind of failure it is. The values are those of `enum davit_code`; api/ maps them to HTTP statuses in one switch.
enum class Code : int {
    ok = 0,
    invalid = 1,        ///< the request is wrong: 400
    not_found = 2,      ///< the named thing doesn't exist: 404
    conflict = 3,       ///< the thing is in a state that forbids this: 409
    forbidden = 4,      ///< refused whatever the state: 403
    unimplemented = 5,  ///< an optional method that this driver lacks: 501
    unavailable = 6,    ///< a plugin, shim or server that doesn't answer: 500 or 503
    deadline = 7,       ///< took longer than its deadline: 500
    cancelled = 8,      ///< the caller went away
    system = 9,         ///< a system call or an invariant failed: 500
};

/// Thrown by everything in davit that fails. `what()` is the whole text: lower case, what + object + cause.
class Error : public std::exception {
  public:
    Error(Code code, std::string text, int sys_errno = 0) : code_(code), errno_(sys_errno), text_(std::move(text)) {}

    /// A failed system call: appends ": strerror(sys_errno)" to `doing`.
    static Error system(const std::string& doing, int sys_errno) {
        char buffer[128];
        return {Code::system, doing + ": " + ::strerror_r(sys_errno, buffer, sizeof buffer), sys_errno};
    }

    [[nodiscard]] Code code() const noexcept { return code_; }
    [[nodiscard]] int sysErrno() const noexcept { return errno_; }
    [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

  private:
    Code code_;
    int errno_;
    std::string text_;
};

}  // namespace davit
