// From failures to HTTP: the status in one switch, the body as Docker's clients read it.
#pragma once

#include <exception>
#include <string>

#include "base/error.hpp"

namespace davit::api {

/// The status of an Error; a StatusError brings its own.
[[nodiscard]] unsigned statusOf(const Error& failure) noexcept;

/// {"message":"…"} with a newline, as Go's encoder ends it.
[[nodiscard]] std::string errorBody(std::string_view message);

/// What a stream of JSON messages (load, import) ends with when it fails: {"errorDetail":{"message":…},"error":…}.
[[nodiscard]] std::string streamedError(std::string_view message);

}  // namespace davit::api
