// Image references: what is accepted prints as something that is accepted and prints the same.
#include "fuzz.hpp"
#include "oci/digest.hpp"
#include "oci/reference.hpp"

DAVIT_FUZZ(data, size) {
    const std::string_view text = davit::fuzz::text(data, size);
    (void)davit::oci::isDigest(text);
    const auto reference = davit::oci::Reference::parse(text);
    davit::fuzz::require(davit::oci::Reference::parse(reference.string()).string() == reference.string());
    davit::fuzz::require(davit::oci::Reference::parse(reference.familiarString()).string() == reference.string());
}
