// Patterns of filters: whatever the pattern, matching ends soon. The first line is the pattern, the rest is the name.
#include "fuzz.hpp"
#include "oci/glob.hpp"

DAVIT_FUZZ(data, size) {
    const std::string_view text = davit::fuzz::text(data, size);
    const std::size_t line = text.find('\n');
    if (line == std::string_view::npos) return;
    (void)davit::oci::globMatch(text.substr(0, line), text.substr(line + 1));
}
