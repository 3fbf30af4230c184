#include <CLI/CLI.hpp>

#include "app/daemon_config.hpp"
#include "app/daemon_settings.hpp"
#include "base/error.hpp"

namespace davit::app {
namespace {

/// A setting with what the command line said of it.
struct Flag {
    const Setting* setting;
    CLI::Option* option;
    Values values;
};

CLI::Option* addFlag(CLI::App& parser, const Setting& setting, Values& values) {
    const std::string names(setting.flags);
    const std::string help(setting.help);
    // "--debug" and "--debug=false".
    if (setting.kind == SettingKind::boolean) return parser.add_flag(names, values, help)->expected(0, 1);
    CLI::Option* option = parser.add_option(names, values, help)->expected(1);
    const bool many = setting.kind == SettingKind::list || setting.kind == SettingKind::map;
    return option->multi_option_policy(many ? CLI::MultiOptionPolicy::TakeAll : CLI::MultiOptionPolicy::TakeLast);
}

/// The key of daemon.json that a flag stands for, also where the file's form is an object of its own.
std::string_view keyOf(const Setting& setting) {
    if (setting.flags == "--add-runtime") return {};  // adds to the file's, as in dockerd
    if (setting.flags == "--default-ulimit") return "default-ulimits";
    if (setting.flags == "--default-address-pool") return "default-address-pools";
    return setting.key;
}

}  // namespace

DaemonConfig readFlags(const std::vector<std::string>& arguments, std::string& help) {
    CLI::App parser("davitd: a container engine's daemon", "davitd");
    std::vector<Flag> flags;
    flags.reserve(settings().size());  // the parser keeps references to `values`
    for (const Setting& setting : settings()) {
        if (setting.flags.empty()) continue;
        Flag& flag = flags.emplace_back(Flag{&setting, nullptr, {}});
        flag.option = addFlag(parser, setting, flag.values);
    }
    try {
        std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // what CLI11 takes
        parser.parse(reversed);
    } catch (const CLI::CallForHelp&) {
        help = parser.help();
        return {};
    } catch (const CLI::ParseError& failure) {
        throw Error(Code::invalid, failure.what());
    }
    DaemonConfig config;
    config.engine.data_root = kDefaultDataRoot;
    config.engine.exec_root = kDefaultExecRoot;
    config.engine.cgroup_parent.clear();  // made from the roots unless it is given
    for (const Flag& flag : flags) {
        if (flag.option->count() == 0) continue;
        flag.setting->apply(config, flag.values);
        if (const std::string_view key = keyOf(*flag.setting); !key.empty()) config.flags_given.emplace(key);
    }
    return config;
}

}  // namespace davit::app
