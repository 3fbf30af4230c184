#include "app/daemon_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "app/daemon_settings.hpp"
#include "app/json_lines.hpp"
#include "base/check.hpp"
#include "base/file.hpp"
#include "engine/log_config.hpp"

namespace davit::app {
namespace {

/// A value of the file as the strings that a flag would have given.
Values valuesOf(const Setting& setting, const json::Value& value) {
    switch (setting.kind) {
        case SettingKind::text: return {value.isNumber() ? value.text() : value.string()};
        case SettingKind::boolean: return {value.boolean() ? "true" : "false"};
        case SettingKind::number: return {std::to_string(value.integer())};
        case SettingKind::list: return value.strings();
        case SettingKind::map: {
            Values values;
            for (const auto& [name, text] : value.stringMap()) values.push_back(fmt::format("{}={}", name, text));
            return values;
        }
        case SettingKind::object: break;
    }
    return {};
}

void applySetting(const Setting& setting, const json::Value& value, DaemonConfig& config) {
    if (config.flags_given.contains(setting.key))
        throw error(Code::invalid, "the following directives are specified both as a flag and in the configuration file: {}",
                    setting.key);
    if (setting.kind == SettingKind::object) return setting.read(config, value);
    if (const Values values = valuesOf(setting, value); !values.empty()) setting.apply(config, values);
}

/// The offset that the parser's text names.
std::size_t offsetIn(const std::string& text) {
    const std::size_t digits = text.find_last_not_of("0123456789") + 1;
    std::size_t offset = 0;
    (void)std::from_chars(text.data() + digits, text.data() + text.size(), offset);  // no digits: 0
    return offset;
}

}  // namespace

std::vector<ConfigFault> applyFile(std::string_view text, DaemonConfig& config) {
    std::vector<ConfigFault> faults;
    try {
        const json::Document document = json::Document::parse(text);
        if (!document.root().isObject()) return {{1, "the configuration is no JSON object"}};
        const JsonLines lines(text);
        for (const auto& [name, value] : document.root().object()) {
            const std::string key(name);
            const Setting* setting = findSetting(key);
            if (setting == nullptr && isIgnoredKey(key)) {
                config.without_effect.push_back(key);
                continue;
            }
            try {
                if (setting == nullptr)
                    throw error(Code::invalid, "the following directives don't match any configuration option: {}", key);
                applySetting(*setting, value, config);
            } catch (const Error& failure) {
                const bool named = failure.text().starts_with(key) || failure.text().ends_with(key);
                faults.push_back({lines.of(key), named ? failure.text() : key + ": " + failure.text()});
            }
        }
    } catch (const Error& failure) {
        faults.push_back({lineAt(text, offsetIn(failure.text())), failure.text()});
    }
    std::stable_sort(faults.begin(), faults.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
    return faults;
}

std::vector<ConfigFault> applyConfigFile(DaemonConfig& config) {
    try {
        const std::optional<std::string> text = readFile(config.config_file);
        if (!text && config.config_file_given)
            return {{0, fmt::format("open {}: no such file or directory", config.config_file.string())}};
        return text && text->find_first_not_of(" \t\r\n") != std::string::npos ? applyFile(*text, config)
                                                                             : std::vector<ConfigFault>{};
    } catch (const Error& failure) {
        return {{0, failure.text()}};
    }
}

std::vector<ConfigFault> checkConfig(const DaemonConfig& config) {
    std::vector<ConfigFault> faults;
    const auto fault = [&](std::string reason) { faults.push_back({0, std::move(reason)}); };
    const std::string& runtime = config.engine.default_runtime;
    if (!runtime.empty() && runtime != engine::kBuiltinRuntime && !config.engine.runtimes.contains(runtime))
        fault(fmt::format("specified default runtime '{}' does not exist", runtime));
    if (config.engine.data_root == config.engine.exec_root)
        fault(fmt::format("data-root and exec-root are both {}", config.engine.data_root.string()));
    if (!config.engine.seccomp_profile.empty() && config.engine.seccomp_profile != "unconfined" &&
        !std::filesystem::exists(config.engine.seccomp_profile))
        fault(fmt::format("opening seccomp profile ({}) failed: no such file or directory", config.engine.seccomp_profile));
    for (std::string& reason : networkFaults(config.network)) fault(std::move(reason));
    try {
        engine::checkLogDefaults(config.engine);
    } catch (const Error& failure) {
        fault(failure.text());
    }
    return faults;
}

}  // namespace davit::app
