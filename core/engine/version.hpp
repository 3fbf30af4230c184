// The version of this build, from the top CMakeLists.txt and git.
#pragma once

#include <string_view>

namespace davit::engine {

inline constexpr const char* kVersion = DAVIT_VERSION;
inline constexpr const char* kGitCommit = DAVIT_GIT_COMMIT;
inline constexpr const char* kBuildTime = DAVIT_BUILD_TIME;  ///< of the commit, so that equal sources build alike

}  // namespace davit::engine
