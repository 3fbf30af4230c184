// Places: where davitd finds its helpers and drivers, in the build tree and when installed.
//
//     helpers   beside davitd, else ../libexec/davit       plugins   ../plugins of a build tree, else ../lib/davit/plugins
#pragma once

#include <filesystem>
#include <string_view>

namespace davit::app {

struct Places {
    std::filesystem::path shim;
    std::filesystem::path plugin_host;
    std::filesystem::path resolver;
    std::filesystem::path init;     ///< empty: not installed
    std::filesystem::path plugins;  ///< davit's own drivers
};

/// From the directory of this program's file. Throws Error{system} naming the helper that is nowhere.
[[nodiscard]] Places findPlaces();

}  // namespace davit::app
