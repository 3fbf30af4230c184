// The Dockerfile lines that `import` and `commit` take with --change.
#pragma once

#include <string>
#include <vector>

#include "oci/image_config.hpp"

namespace davit::image {

/// Applies CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR lines in
/// order. Throws Error{invalid} for another instruction ("run is not a valid change command") or a malformed line.
/// Variables are not replaced.
void applyConfigChanges(oci::ImageDefaults& config, const std::vector<std::string>& lines);

/// A Go duration ("1m30s") in nanoseconds. Throws Error{invalid}.
[[nodiscard]] std::int64_t parseDurationNs(const std::string& text);

}  // namespace davit::image
