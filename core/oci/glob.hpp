// Shell patterns as Go's path.Match understands them: *, ? and [a-z] stop at a slash, ^ negates a class, \ quotes.
#pragma once

#include <string_view>

namespace davit::oci {

/// Whether the whole of `name` matches. Throws Error{invalid} "syntax error in pattern".
[[nodiscard]] bool globMatch(std::string_view pattern, std::string_view name);

}  // namespace davit::oci
