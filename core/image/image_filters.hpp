// The filters of image lists and prunes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "image/image_store.hpp"

namespace davit::image {

/// What `until` means: a Go duration before now ("24h", "1h30m"), seconds since 1970, RFC 3339 or a date. Throws
/// Error{invalid}.
[[nodiscard]] SystemTime parseUntil(std::string_view text);

/// Throws Error{invalid} "invalid filter 'x'" unless all names are among `known`.
void checkFilterNames(const ImageFilters& filters, const std::vector<std::string_view>& known);

/// A yes/no filter's value; std::nullopt when it isn't given.
[[nodiscard]] std::optional<bool> boolFilter(const ImageFilters& filters, const std::string& name);

/// Whether each of `wanted` ("key" or "key=value") is among the labels.
[[nodiscard]] bool labelsMatch(const std::vector<std::string>& wanted,
                               const std::map<std::string, std::string>& labels);

/// The values of a filter; none when it isn't given.
[[nodiscard]] const std::vector<std::string>& filterValues(const ImageFilters& filters, const std::string& name);

}  // namespace davit::image
