#include "managed/plugin_name.hpp"

#include "base/check.hpp"
#include "oci/reference.hpp"

namespace davit::managed {

std::string pluginName(const std::string& text) {
    oci::Reference reference;
    try {
        reference = oci::Reference::parse(text);
    } catch (const Error& failure) {
        throw error(Code::invalid, "failed to parse reference {}: {}", text, failure.text());
    }
    if (!reference.digest.empty()) throw Error(Code::invalid, "canonical references are not permitted");
    return reference.withDefaultTag().familiarString();
}

std::optional<std::string> tryPluginName(const std::string& text) {
    try {
        return pluginName(text);
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace davit::managed
