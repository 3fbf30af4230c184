#include "plugin/driver_info.hpp"

#include <array>

namespace davit::plugin {
namespace {
constexpr std::array kKinds = {DriverKind::storage, DriverKind::network, DriverKind::ipam, DriverKind::volume};
}

std::string_view kindName(DriverKind kind) {
    switch (kind) {
        case DriverKind::storage: return "storage";
        case DriverKind::network: return "network";
        case DriverKind::ipam: return "ipam";
        case DriverKind::volume: return "volume";
    }
    return "unknown";
}

std::optional<DriverKind> kindNamed(std::string_view name) {
    for (const DriverKind kind : kKinds)
        if (kindName(kind) == name) return kind;
    return std::nullopt;
}

std::string_view interfaceName(DriverKind kind) {
    switch (kind) {
        case DriverKind::storage: return "GraphDriver";
        case DriverKind::network: return "NetworkDriver";
        case DriverKind::ipam: return "IpamDriver";
        case DriverKind::volume: return "VolumeDriver";
    }
    return "unknown";
}

std::optional<DriverKind> kindOfInterface(std::string_view name) {
    for (const DriverKind kind : kKinds)
        if (interfaceName(kind) == name) return kind;
    return std::nullopt;
}

std::string_view stateName(DriverState state) {
    switch (state) {
        case DriverState::available: return "available";
        case DriverState::loaded: return "loaded";
        case DriverState::skipped: return "skipped";
        case DriverState::failed: return "failed";
        case DriverState::unknown: return "unknown";
        case DriverState::active: return "active";
        case DriverState::suspect: return "suspect";
        case DriverState::dead: return "dead";
    }
    return "unknown";
}

std::string_view isolationName(Isolation isolation) {
    switch (isolation) {
        case Isolation::in_process: return "in-process";
        case Isolation::own_process: return "process";
        case Isolation::server: return "server";
    }
    return "unknown";
}

std::string pathComponent(std::string_view driver) {
    std::string result;
    for (const char c : driver.substr(0, 40))
        result += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
    return result;
}

}  // namespace davit::plugin
