#include "engine/version.hpp"

namespace davit::engine {

const char* const kVersion = DAVIT_VERSION;
const char* const kGitCommit = DAVIT_GIT_COMMIT;
const char* const kBuildTime = DAVIT_BUILD_TIME;

}  // namespace davit::engine
