#include "cli/config.hpp"

#include <cstdlib>

#include "base/check.hpp"
#include "base/file.hpp"

namespace davit::cli {

std::string environment(std::initializer_list<const char*> names) {
    for (const char* name : names)
        if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
    return {};
}

std::string configDirectory(const GlobalOptions& options) {
    if (!options.config_dir.empty()) return options.config_dir;
    const std::string named = environment({"DAVIT_CONFIG", "DOCKER_CONFIG"});
    if (!named.empty()) return named;
    return environment({"HOME"}) + "/.davit";
}

ConfigFile::ConfigFile(std::string directory) : directory_(std::move(directory)) {
    const std::optional<std::string> content = readFile(path());
    if (!content || content->empty()) return;
    try {
        document_ = json::Document::parse(*content);
        (void)document_->root().object();
    } catch (const Error& failure) {
        throw error(Code::invalid, "load config file {}: {}", path(), failure.text());
    }
}

std::string ConfigFile::text(std::string_view member) const {
    return document_ ? document_->root()[member].string() : std::string();
}

std::map<std::string, std::string> ConfigFile::map(std::string_view member) const {
    return document_ ? document_->root()[member].stringMap() : std::map<std::string, std::string>();
}

void ConfigFile::set(const std::string& member, const std::string& value) {
    json::Writer out;
    out.object([&] {
        if (document_)
            for (const auto& [name, content] : document_->root().object())
                if (name != member) out.key(name).raw(content.text());
        if (!value.empty()) out.member(member, value);
    });
    makeDirectories(directory_, 0700);
    writeFileAtomically(path(), out.text(), 0600);
    document_ = json::Document::parse(out.text());
}

}  // namespace davit::cli
