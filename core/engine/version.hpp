// The version of this build, from the top CMakeLists.txt and git.
#pragma once

namespace davit::engine {

extern const char* const kVersion;
extern const char* const kGitCommit;
extern const char* const kBuildTime;  ///< of the commit, so that equal sources build alike

}  // namespace davit::engine
