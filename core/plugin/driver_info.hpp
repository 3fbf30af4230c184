// What is known about one driver, for `davit plugin ls`, `docker info` and error texts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "driver/driver.hpp"

namespace davit::plugin {

enum class DriverState {
    available,  ///< its file passed every check; it is opened on first use
    loaded,     ///< opened and in use
    skipped,    ///< not for this host, or disabled; `reason` says why
    failed,     ///< refused or broken; `reason` says why
    unknown,    ///< a server that hasn't been asked yet
    active,     ///< a server that answered
    suspect,    ///< a server whose last call failed on the way
    dead,       ///< a server, or a driver process, that doesn't answer
};

enum class Isolation {
    in_process,   ///< inside davitd
    own_process,  ///< in a supervised davit-plugin-host
    server,       ///< in a server of its own that others run
};

struct DriverInfo {
    std::optional<DriverKind> kind;  ///< std::nullopt: a file that couldn't be read, a server that wasn't asked yet
    std::string name;                ///< of a file that couldn't be read: its base name
    std::string description;
    std::string plugin;     ///< name of the plugin it came in; of a server: the driver's name
    std::string version;    ///< of the plugin; empty for a server
    std::string file;       ///< the .so, the socket, or the .spec/.json file
    std::string transport;  ///< "in-process", or the address that is called: "unix:///…", "tcp://…", "https://…"
    Isolation isolation = Isolation::in_process;
    DriverState state = DriverState::unknown;
    std::string reason;  ///< for skipped, failed, suspect, dead
    int generation = 1;  ///< counts the versions of its file that this daemon has loaded
};

/// "storage", "network", "ipam", "volume".
[[nodiscard]] std::string_view kindName(DriverKind kind);
/// The kind of that name; std::nullopt: there is none.
[[nodiscard]] std::optional<DriverKind> kindNamed(std::string_view name);
/// "VolumeDriver" and so on: the interface's name on the wire.
[[nodiscard]] std::string_view interfaceName(DriverKind kind);
/// The kind with that interface name; std::nullopt for interfaces that davit has no kind for ("LogDriver").
[[nodiscard]] std::optional<DriverKind> kindOfInterface(std::string_view name);
[[nodiscard]] std::string_view stateName(DriverState state);
[[nodiscard]] std::string_view isolationName(Isolation isolation);
/// A driver's name as the name of a file: at most 40 letters, digits and underscores.
[[nodiscard]] std::string pathComponent(std::string_view driver);

}  // namespace davit::plugin
