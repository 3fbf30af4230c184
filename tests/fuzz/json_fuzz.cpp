// JSON of any origin: what parses is written again and parses to the same text.
#include "base/json.hpp"
#include "fuzz.hpp"

DAVIT_FUZZ(data, size) {
    const auto document = davit::json::Document::parse(davit::fuzz::text(data, size));
    const std::string once = document.root().text();
    davit::fuzz::require(davit::json::Document::parse(once).root().text() == once);
}
