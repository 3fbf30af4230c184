// An image's configuration as a registry or an archive gives it.
#include "fuzz.hpp"
#include "oci/image_config.hpp"

DAVIT_FUZZ(data, size) {
    const auto config = davit::oci::parseImageConfig(davit::fuzz::text(data, size));
    const std::string once = davit::oci::imageConfigJson(config);
    davit::fuzz::require(davit::oci::imageConfigJson(davit::oci::parseImageConfig(once)) == once);
}
