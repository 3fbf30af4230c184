#include "engine/network_modes.hpp"

namespace davit::engine {

std::string_view containerOfMode(std::string_view mode) {
    constexpr std::string_view kPrefix = "container:";
    return mode.starts_with(kPrefix) ? mode.substr(kPrefix.size()) : std::string_view();
}

bool isDefaultMode(std::string_view mode) { return mode.empty() || mode == "default"; }

}  // namespace davit::engine
