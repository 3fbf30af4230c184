// What the writers of the create request share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace davit::cli {

/// A list that isn't given is null for Docker, not empty.
inline void textsOrNull(json::Writer& out, std::string_view name, const std::vector<std::string>& texts) {
    if (texts.empty())
        out.key(name).null();
    else
        out.member(name, texts);
}

}  // namespace davit::cli
