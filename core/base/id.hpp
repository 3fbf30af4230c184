// Random ids, as Docker makes them.
#pragma once

#include <string>
#include <string_view>

namespace davit {

/// 64 lower-case hex digits from the kernel's random source. Never all digits in its first twelve characters, because
/// those are used as a host name (the rule of Docker's stringid).
[[nodiscard]] std::string randomId();

/// The first twelve characters of an id, without a leading "sha256:".
[[nodiscard]] std::string_view shortId(std::string_view id);

/// Lower-case hex of any bytes.
[[nodiscard]] std::string toHex(std::string_view bytes);

}  // namespace davit
