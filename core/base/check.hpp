// check(): turns the -1/errno convention into davit::Error at the place where it happens.
#pragma once

#include <fmt/core.h>

#include "base/error.hpp"

namespace davit {

/// Returns `result` unless it is negative; then throws Error::system with the formatted text and the errno of the call.
/// Example: `check(::mkdir(path, 0700), "create directory {}", path)`.
template <typename Result, typename... Args>
Result check(Result result, fmt::format_string<Args...> what, Args&&... args) {
    if (result < 0) {
        const int saved = errno;
        throw Error::system(fmt::format(what, std::forward<Args>(args)...), saved);
    }
    return result;
}

/// Builds an Error with a formatted text: `throw error(Code::not_found, "No such container: {}", name)`.
template <typename... Args>
Error error(Code code, fmt::format_string<Args...> what, Args&&... args) {
    return {code, fmt::format(what, std::forward<Args>(args)...)};
}

}  // namespace davit
