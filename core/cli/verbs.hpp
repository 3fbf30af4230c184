// Every verb of the command line, by the file that it lives in. See cli.hpp for what a verb is.
#pragma once

#include "cli/cli.hpp"

namespace davit::cli {

// container_run.cpp
int runContainer(Cli& cli, CommandLine& line);
int createContainer(Cli& cli, CommandLine& line);
// container_lifecycle.cpp
int stopContainers(Cli& cli, CommandLine& line);
int killContainers(Cli& cli, CommandLine& line);
int removeContainers(Cli& cli, CommandLine& line);
int waitContainers(Cli& cli, CommandLine& line);
// container_control.cpp
int restartContainers(Cli& cli, CommandLine& line);
int pauseContainers(Cli& cli, CommandLine& line);
int unpauseContainers(Cli& cli, CommandLine& line);
int renameContainer(Cli& cli, CommandLine& line);
int showProcesses(Cli& cli, CommandLine& line);
// container_ports.cpp
int showPorts(Cli& cli, CommandLine& line);
// container_stats.cpp
int showStats(Cli& cli, CommandLine& line);
// container_update.cpp
int updateContainers(Cli& cli, CommandLine& line);
// prune.cpp
int pruneContainers(Cli& cli, CommandLine& line);
int pruneImages(Cli& cli, CommandLine& line);
int pruneVolumes(Cli& cli, CommandLine& line);
// container_start.cpp
int startContainers(Cli& cli, CommandLine& line);
int attachContainer(Cli& cli, CommandLine& line);
// container_exec.cpp
int execContainer(Cli& cli, CommandLine& line);
// container_logs.cpp
int showLogs(Cli& cli, CommandLine& line);
// container_list.cpp
int listContainers(Cli& cli, CommandLine& line);
// image_list.cpp
int listImages(Cli& cli, CommandLine& line);
int showHistory(Cli& cli, CommandLine& line);
// image_commands.cpp
int tagImage(Cli& cli, CommandLine& line);
int removeImages(Cli& cli, CommandLine& line);
// image_transfer.cpp
int loadImages(Cli& cli, CommandLine& line);
int saveImages(Cli& cli, CommandLine& line);
int importImage(Cli& cli, CommandLine& line);
// network_create.cpp, network_commands.cpp
int createNetwork(Cli& cli, CommandLine& line);
int connectNetwork(Cli& cli, CommandLine& line);
int disconnectNetwork(Cli& cli, CommandLine& line);
int updateNetwork(Cli& cli, CommandLine& line);
int listNetworks(Cli& cli, CommandLine& line);
int removeNetworks(Cli& cli, CommandLine& line);
int pruneNetworks(Cli& cli, CommandLine& line);
// inspect.cpp
int inspectNetworks(Cli& cli, CommandLine& line);
int inspectAny(Cli& cli, CommandLine& line);
int inspectContainers(Cli& cli, CommandLine& line);
int inspectImages(Cli& cli, CommandLine& line);
int inspectVolumes(Cli& cli, CommandLine& line);
// system_version.cpp, system_info.cpp
int showVersion(Cli& cli, CommandLine& line);
int showInfo(Cli& cli, CommandLine& line);
// system_events.cpp
int showEvents(Cli& cli, CommandLine& line);
// system_dial.cpp
int dialStdio(Cli& cli, CommandLine& line);
// context_commands.cpp
int createContext(Cli& cli, CommandLine& line);
int updateContext(Cli& cli, CommandLine& line);
int listContexts(Cli& cli, CommandLine& line);
int useContext(Cli& cli, CommandLine& line);
int inspectContexts(Cli& cli, CommandLine& line);
int removeContexts(Cli& cli, CommandLine& line);
int showContext(Cli& cli, CommandLine& line);
// system_df.cpp
int showUsage(Cli& cli, CommandLine& line);
// volume_commands.cpp
int createVolume(Cli& cli, CommandLine& line);
int listVolumes(Cli& cli, CommandLine& line);
int removeVolumes(Cli& cli, CommandLine& line);
int updateVolume(Cli& cli, CommandLine& line);
// volume_abilities.cpp
int cloneVolume(Cli& cli, CommandLine& line);
int exportVolume(Cli& cli, CommandLine& line);
int importVolume(Cli& cli, CommandLine& line);
int renameVolume(Cli& cli, CommandLine& line);
int resizeVolume(Cli& cli, CommandLine& line);
int snapshotVolume(Cli& cli, CommandLine& line);
// plugin_author.cpp
int newPlugin(Cli& cli, CommandLine& line);
// plugin_commands.cpp
int listPlugins(Cli& cli, CommandLine& line);
int checkPlugin(Cli& cli, CommandLine& line);
// plugin_package.cpp
int packagePlugin(Cli& cli, CommandLine& line);
// plugin_trace.cpp
int tracePlugin(Cli& cli, CommandLine& line);
// plugin_managed.cpp
int listManagedPlugins(Cli& cli, const std::string& format, bool quiet, bool no_trunc, const std::vector<std::string>& filters);
int createPlugin(Cli& cli, CommandLine& line);
int disablePlugin(Cli& cli, CommandLine& line);
int enablePlugin(Cli& cli, CommandLine& line);
int inspectPlugins(Cli& cli, CommandLine& line);
int removePlugins(Cli& cli, CommandLine& line);
int setPlugin(Cli& cli, CommandLine& line);

}  // namespace davit::cli
