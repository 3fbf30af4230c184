#include "engine/log_config.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/check.hpp"

namespace davit::engine {
namespace {

constexpr std::string_view kJsonFile = "json-file";
constexpr std::string_view kNone = "none";
// The last six are Docker's for every driver and speak of a buffer or of attributes.
constexpr std::array<std::string_view, 10> kKnownOptions = {"max-size", "max-file",  "compress", "labels", "labels-regex",
                                                            "env",      "env-regex", "tag",      "mode",   "max-buffer-size"};

int parseFiles(const std::string& text) {
    int files = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), files);
    if (bad != std::errc() || end != text.data() + text.size())
        throw error(Code::invalid, "strconv.Atoi: parsing \"{}\": invalid syntax", text);
    if (files < 1) throw Error(Code::invalid, "max-file cannot be less than 1");
    return files;
}

/// Calls `take` for each name of a comma-separated list.
template <typename Take>
void eachName(std::string_view list, Take&& take) {
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        if (comma > 0) take(std::string(list.substr(0, comma)));
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
}

std::string option(const runtime::LogConfig& log, const char* name) {
    const auto found = log.config.find(name);
    return found == log.config.end() ? std::string() : found->second;
}

}  // namespace

std::int64_t parseSize(std::string_view text) {
    if (text == "-1") return -1;
    double number = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number);
    std::string unit(end, text.data() + text.size());
    std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) { return std::tolower(c); });
    if (unit.ends_with("ib")) unit.resize(unit.size() - 2);
    if (unit.size() > 1 && unit.ends_with('b')) unit.resize(unit.size() - 1);
    if (bad != std::errc() || number < 0 || unit.size() > 1)
        throw error(Code::invalid, "invalid size: '{}'", text);
    constexpr std::string_view kUnits = "bkmgtp";
    const std::size_t power = unit.empty() ? 0 : kUnits.find(unit[0]);
    if (power == std::string_view::npos) throw error(Code::invalid, "invalid suffix: '{}'", unit);
    for (std::size_t i = 0; i < power; ++i) number *= 1024;
    if (number > 9e18) throw error(Code::invalid, "invalid size: '{}'", text);
    return static_cast<std::int64_t>(number);
}

void checkLogConfig(const runtime::LogConfig& log) {
    if (log.type == kNone) return;
    if (log.type != kJsonFile)
        throw error(Code::invalid, "logger: no log driver named '{}' is registered", log.type);
    for (const auto& [name, value] : log.config)
        if (std::find(kKnownOptions.begin(), kKnownOptions.end(), name) == kKnownOptions.end())
            throw error(Code::invalid, "unknown log opt '{}' for {} log driver", name, log.type);
    const std::string mode = option(log, "mode");
    if (!mode.empty() && mode != "blocking" && mode != "non-blocking")
        throw error(Code::invalid, "logger: logging mode not supported: {}", mode);
    (void)logOptions(log, {}, "x");
    if (!option(log, "max-file").empty() && option(log, "max-size").empty() && parseFiles(option(log, "max-file")) > 1)
        throw Error(Code::invalid, "max-file option requires max-size option");
}

void checkLogDefaults(const EngineOptions& options) { checkLogConfig({options.log_driver, options.log_opts}); }

runtime::LogOptions logOptions(const runtime::LogConfig& log, const runtime::ContainerConfig& config,
                               const std::filesystem::path& path) {
    runtime::LogOptions options;
    if (log.type == kNone) return options;
    options.path = path;
    if (const std::string size = option(log, "max-size"); !size.empty()) options.max_size = parseSize(size);
    if (const std::string files = option(log, "max-file"); !files.empty()) options.max_files = parseFiles(files);
    eachName(option(log, "labels"), [&](const std::string& name) {
        if (const auto label = config.labels.find(name); label != config.labels.end()) options.attributes.push_back(*label);
    });
    eachName(option(log, "env"), [&](const std::string& name) {
        for (const std::string& variable : config.env)
            if (variable.starts_with(name + "=")) options.attributes.emplace_back(name, variable.substr(name.size() + 1));
    });
    if (const std::string tag = option(log, "tag"); !tag.empty()) options.attributes.emplace_back("tag", tag);
    return options;
}

}  // namespace davit::engine
