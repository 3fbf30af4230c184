// davitd: the daemon.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "app/daemon.hpp"
#include "app/daemon_config.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/version.hpp"

namespace {

using davit::app::ConfigFault;
using davit::app::DaemonConfig;

std::vector<ConfigFault> complete(DaemonConfig& config) {
    std::vector<ConfigFault> faults = davit::app::applyConfigFile(config);
    if (faults.empty()) faults = davit::app::checkConfig(config);
    return faults;
}

std::string describe(const DaemonConfig& config, const ConfigFault& fault) {
    if (fault.line == 0) return fault.reason;
    return config.config_file.string() + ":" + std::to_string(fault.line) + ": " + fault.reason;
}

int refuse(const DaemonConfig& config, const std::vector<ConfigFault>& faults) {
    for (const ConfigFault& fault : faults)
        std::fprintf(stderr, "davitd: unable to configure the daemon: %s\n", describe(config, fault).c_str());
    return 1;
}

DaemonConfig reread(const std::vector<std::string>& arguments) {
    std::string help;
    DaemonConfig config = davit::app::readFlags(arguments, help);
    if (const std::vector<ConfigFault> faults = complete(config); !faults.empty())
        throw davit::Error(davit::Code::invalid, describe(config, faults[0]));
    return config;
}

int serve(const std::vector<std::string>& arguments) {
    std::string help;
    DaemonConfig config = davit::app::readFlags(arguments, help);
    if (!help.empty()) return std::fputs(help.c_str(), stdout) < 0 ? 1 : 0;
    if (config.show_version)
        return std::printf("davitd version %s, build %s\n", davit::engine::kVersion, davit::engine::kGitCommit) < 0 ? 1 : 0;
    if (const std::vector<ConfigFault> faults = complete(config); !faults.empty()) return refuse(config, faults);
    if (config.validate) return std::puts("configuration OK") < 0 ? 1 : 0;
    davit::app::applyLogLevel(config);
    for (const std::string& key : config.without_effect)
        davit::log::warning("{}: '{}' has no effect in davit", config.config_file.string(), key);
    davit::app::blockSignals();
    davit::app::Daemon daemon(std::move(config));
    daemon.run([&] { return reread(arguments); });
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return serve(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "davitd: %s\n", failure.what());
        return 1;
    }
}
