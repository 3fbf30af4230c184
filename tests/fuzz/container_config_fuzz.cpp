// The body of a create request: what is understood is written as JSON that is understood the same.
#include "base/json.hpp"
#include "fuzz.hpp"
#include "runtime/container_config_json.hpp"
#include "runtime/mount_point.hpp"

DAVIT_FUZZ(data, size) {
    const auto document = davit::json::Document::parse(davit::fuzz::text(data, size));
    const auto config = davit::runtime::readContainerConfig(document.root());
    const auto host = davit::runtime::readHostConfig(document.root()["HostConfig"]);
    const std::string text = davit::runtime::toJson(host);
    const auto again = davit::json::Document::parse(text);
    davit::fuzz::require(davit::runtime::toJson(davit::runtime::readHostConfig(again.root())) == text);
    (void)davit::runtime::collectMounts(config, host);
}
