// The OCI whiteout names: ".wh.NAME" hides NAME of the layers below, ".wh..wh..opq" all that they have in its
// directory.
#pragma once

#include <string>
#include <string_view>

#include "base/check.hpp"

namespace davit::archive {

inline constexpr std::string_view kWhiteoutPrefix = ".wh.";
inline constexpr std::string_view kWhiteoutOpaque = ".wh..wh..opq";
/// Other names that begin so are bookkeeping of the long gone aufs: nothing is made of them.
inline constexpr std::string_view kWhiteoutMeta = ".wh..wh.";

struct Whiteout {
    enum class Kind { none, hide, opaque, ignored };
    Kind kind = Kind::none;
    std::string hidden;  ///< the name without the prefix, for hide
};

/// What the last component of a layer's member name means. Throws Error{invalid} for ".wh.", ".wh.." and ".wh...".
[[nodiscard]] inline Whiteout parseWhiteout(std::string_view name) {
    if (!name.starts_with(kWhiteoutPrefix)) return {};
    if (name == kWhiteoutOpaque) return {.kind = Whiteout::Kind::opaque, .hidden = {}};
    if (name.starts_with(kWhiteoutMeta)) return {.kind = Whiteout::Kind::ignored, .hidden = {}};
    const std::string_view hidden = name.substr(kWhiteoutPrefix.size());
    if (hidden.empty() || hidden == "." || hidden == "..")
        throw error(Code::invalid, "invalid whiteout entry: {}", name);
    return {.kind = Whiteout::Kind::hide, .hidden = std::string(hidden)};
}

}  // namespace davit::archive
