// Capabilities by name and number, and Docker's arithmetic on sets of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::linux {

/// The number of "CAP_CHOWN"; exact, upper case with prefix. std::nullopt for a name that Linux 6.1 doesn't have.
[[nodiscard]] std::optional<unsigned> capabilityNumber(std::string_view name);
/// "CAP_CHOWN" for 0; empty for an unknown number.
[[nodiscard]] std::string_view capabilityName(unsigned number);

/// Bit N for the capability of number N. Unknown names are Error{invalid}: `unknown capability: "CAP_X"`.
[[nodiscard]] std::uint64_t capabilityMask(const std::vector<std::string>& names);
/// The names of the bits of `mask`, by number.
[[nodiscard]] std::vector<std::string> capabilityNames(std::uint64_t mask);

/// The bounding set of this process: what --privileged and --cap-add ALL can give at most.
[[nodiscard]] std::vector<std::string> allCapabilities();

/// The fourteen that a container gets by default (security posture of Docker: mask 00000000a80425fb).
[[nodiscard]] std::vector<std::string> defaultCapabilities();

/// Users' spelling to names: any case, with or without "CAP_", "ALL" kept. Throws Error{invalid}
/// `unknown capability: "CAP_X"`, as Docker says it.
[[nodiscard]] std::vector<std::string> normalizeCapabilities(const std::vector<std::string>& names);

/// What --cap-add and --cap-drop (both normalised) make of the default set: ALL in `add` starts from everything, ALL in
/// `drop` from nothing, a name in both is added unless ALL is added. Sorted by number.
[[nodiscard]] std::vector<std::string> tweakCapabilities(const std::vector<std::string>& add,
                                                         const std::vector<std::string>& drop);

}  // namespace davit::linux
