#include "runtime/environment.hpp"
#include "runtime/spec_builder.hpp"

namespace davit::runtime {
namespace {

void mergeCommand(ContainerConfig& config, const ContainerConfig& image) {
    const bool own_entrypoint = config.entrypoint && !config.entrypoint->empty();
    if (!own_entrypoint) {
        // A command of the user's goes with the image's entrypoint; an entrypoint of the user's drops the image's command.
        if (!config.cmd || config.cmd->empty()) {
            config.cmd = image.cmd;
            config.args_escaped = image.args_escaped;
        }
        if (!config.entrypoint) config.entrypoint = image.entrypoint;
    }
    // `--entrypoint ""` arrives as one empty word: no entrypoint at all.
    if (config.entrypoint && config.entrypoint->size() == 1 && config.entrypoint->front().empty()) config.entrypoint.reset();
}

void mergeHealth(ContainerConfig& config, const ContainerConfig& image) {
    if (!image.healthcheck) return;
    if (!config.healthcheck) {
        config.healthcheck = image.healthcheck;
        return;
    }
    HealthConfig& mine = *config.healthcheck;
    const HealthConfig& theirs = *image.healthcheck;
    if (mine.test.empty()) mine.test = theirs.test;
    if (mine.interval == 0) mine.interval = theirs.interval;
    if (mine.timeout == 0) mine.timeout = theirs.timeout;
    if (mine.start_period == 0) mine.start_period = theirs.start_period;
    if (mine.start_interval == 0) mine.start_interval = theirs.start_interval;
    if (mine.retries == 0) mine.retries = theirs.retries;
}

template <typename T>
void fillEmpty(T& mine, const T& theirs) {
    if (mine.empty()) mine = theirs;
}

}  // namespace

void mergeImageConfig(ContainerConfig& config, const ContainerConfig& image) {
    fillEmpty(config.user, image.user);
    fillEmpty(config.working_dir, image.working_dir);
    fillEmpty(config.stop_signal, image.stop_signal);
    fillEmpty(config.shell, image.shell);
    for (const std::string& variable : image.env)
        if (!hasVariable(config.env, variableName(variable))) config.env.push_back(variable);
    config.labels.insert(image.labels.begin(), image.labels.end());  // keeps what is there
    config.exposed_ports.insert(image.exposed_ports.begin(), image.exposed_ports.end());
    config.volumes.insert(image.volumes.begin(), image.volumes.end());
    mergeCommand(config, image);
    mergeHealth(config, image);
}

}  // namespace davit::runtime
