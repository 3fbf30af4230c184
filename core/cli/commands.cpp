// The table of commands: one line per verb.
#include "cli/verbs.hpp"

namespace davit::cli {

const std::vector<Group>& groupTable() {
    static const std::vector<Group> kGroups = {
        {"container", "Manage containers"}, {"context", "Manage contexts"}, {"image", "Manage images"},
        {"network", "Manage networks"},     {"plugin", "Manage plugins"},   {"system", "Manage davit"},
    };
    return kGroups;
}

const std::vector<Command>& commandTable() {
    static const std::vector<Command> kCommands = {
        {"container", "attach", "attach", "", "[OPTIONS] CONTAINER",
         "Attach local standard input, output and error to a running container", 1, 1, attachContainer},
        {"container", "create", "create", "", "[OPTIONS] IMAGE [COMMAND] [ARG...]", "Create a new container", 1, -1,
         createContainer},
        {"container", "exec", "exec", "", "[OPTIONS] CONTAINER COMMAND [ARG...]",
         "Execute a command in a running container", 2, -1, execContainer},
        {"container", "inspect", "", "", "[OPTIONS] CONTAINER [CONTAINER...]",
         "Display detailed information on one or more containers", 1, -1, inspectContainers},
        {"container", "kill", "kill", "", "[OPTIONS] CONTAINER [CONTAINER...]", "Kill one or more running containers",
         1, -1, killContainers},
        {"container", "logs", "logs", "", "[OPTIONS] CONTAINER", "Fetch the logs of a container", 1, 1, showLogs},
        {"container", "ls", "ps", "list,ps", "[OPTIONS]", "List containers", 0, 0, listContainers},
        {"container", "rm", "rm", "remove", "[OPTIONS] CONTAINER [CONTAINER...]", "Remove one or more containers", 1,
         -1, removeContainers},
        {"container", "run", "run", "", "[OPTIONS] IMAGE [COMMAND] [ARG...]",
         "Create and run a new container from an image", 1, -1, runContainer},
        {"container", "start", "start", "", "[OPTIONS] CONTAINER [CONTAINER...]",
         "Start one or more stopped containers", 1, -1, startContainers},
        {"container", "stop", "stop", "", "[OPTIONS] CONTAINER [CONTAINER...]", "Stop one or more running containers",
         1, -1, stopContainers},
        {"container", "wait", "wait", "", "CONTAINER [CONTAINER...]",
         "Block until one or more containers stop, then print their exit codes", 1, -1, waitContainers},
        {"image", "history", "history", "", "[OPTIONS] IMAGE", "Show the history of an image", 1, 1, showHistory},
        {"image", "import", "import", "", "[OPTIONS] file|- [REPOSITORY[:TAG]]",
         "Import the contents from a tarball to create a filesystem image", 1, 2, importImage},
        {"image", "inspect", "", "", "[OPTIONS] IMAGE [IMAGE...]", "Display detailed information on one or more images",
         1, -1, inspectImages},
        {"image", "load", "load", "", "[OPTIONS]", "Load an image from a tar archive or STDIN", 0, 0, loadImages},
        {"image", "ls", "images", "list", "[OPTIONS] [REPOSITORY[:TAG]]", "List images", 0, 1, listImages},
        {"image", "rm", "rmi", "remove", "[OPTIONS] IMAGE [IMAGE...]", "Remove one or more images", 1, -1,
         removeImages},
        {"image", "save", "save", "", "[OPTIONS] IMAGE [IMAGE...]",
         "Save one or more images to a tar archive (streamed to STDOUT by default)", 1, -1, saveImages},
        {"image", "tag", "tag", "", "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
         "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE", 2, 2, tagImage},
        {"context", "create", "", "", "[OPTIONS] CONTEXT", "Create a context", 1, 1, createContext},
        {"context", "inspect", "", "", "[OPTIONS] [CONTEXT] [CONTEXT...]",
         "Display detailed information on one or more contexts", 0, -1, inspectContexts},
        {"context", "ls", "", "list", "[OPTIONS]", "List contexts", 0, 0, listContexts},
        {"context", "rm", "", "remove", "CONTEXT [CONTEXT...]", "Remove one or more contexts", 1, -1, removeContexts},
        {"context", "show", "", "", "", "Print the name of the current context", 0, 0, showContext},
        {"context", "update", "", "", "[OPTIONS] CONTEXT", "Update a context", 1, 1, updateContext},
        {"context", "use", "", "", "CONTEXT", "Set the current davit context", 1, 1, useContext},
        {"network", "connect", "", "", "[OPTIONS] NETWORK CONTAINER", "Connect a container to a network", 2, 2, connectNetwork},
        {"network", "create", "", "", "[OPTIONS] NETWORK", "Create a network", 1, 1, createNetwork},
        {"network", "disconnect", "", "", "[OPTIONS] NETWORK CONTAINER", "Disconnect a container from a network", 2, 2,
         disconnectNetwork},
        {"network", "inspect", "", "", "[OPTIONS] NETWORK [NETWORK...]",
         "Display detailed information on one or more networks", 1, -1, inspectNetworks},
        {"network", "ls", "", "list", "[OPTIONS]", "List networks", 0, 0, listNetworks},
        {"network", "prune", "", "", "[OPTIONS]", "Remove all unused networks", 0, 0, pruneNetworks},
        {"network", "rm", "", "remove", "NETWORK [NETWORK...]", "Remove one or more networks", 1, -1, removeNetworks},
        {"network", "update", "", "", "[OPTIONS] NETWORK CONTAINER", "Change driver options of a container's endpoint", 2, 2, updateNetwork},
        {"plugin", "check", "", "", "TARGET [OPTIONS]",
         "Run the conformance suite against a plugin: a .so file, a socket or a URL", 1, -1, checkPlugin},
        {"plugin", "ls", "", "list", "[OPTIONS]", "List the drivers that plugins offer", 0, 0, listPlugins},
        {"system", "dial-stdio", "", "", "", "Proxy the standard streams to the daemon", 0, 0, dialStdio, true},
        {"system", "events", "events", "", "[OPTIONS]", "Get real time events from the server", 0, 0, showEvents},
        {"system", "info", "info", "", "[OPTIONS]", "Display system-wide information", 0, 0, showInfo},
        {"", "inspect", "inspect", "", "[OPTIONS] NAME|ID [NAME|ID...]",
         "Return low-level information on containers and images", 1, -1, inspectAny},
        {"", "version", "version", "", "[OPTIONS]", "Show the davit version information", 0, 0, showVersion},
    };
    return kCommands;
}

}  // namespace davit::cli
