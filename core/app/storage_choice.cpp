#include "app/storage_choice.hpp"

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/log.hpp"

namespace davit::app {
namespace {

StorageChoice open(plugin::DriverRegistry& drivers, const StorageRequest& request, const std::string& name) {
    StorageChoice choice{name, request.directory / name, drivers.storage(name)};
    const StorageCapabilities can = choice.driver->capabilities(choice.home);
    if (!can.unsuitable_why.empty())
        throw error(Code::unimplemented, "storage driver {}: {}", name, can.unsuitable_why);
    choice.driver->init({.home = choice.home, .options = request.options, .uid_maps = {}, .gid_maps = {}});
    return choice;
}

/// The suitable driver with the highest preference; `reasons` gets why the others are not.
std::string best(plugin::DriverRegistry& drivers, const StorageRequest& request, std::string& reasons) {
    std::string found;
    int highest = 0;
    for (const plugin::DriverInfo& info : drivers.list()) {
        if (info.kind != DriverKind::storage || info.isolation == plugin::Isolation::server) continue;
        try {
            const StorageCapabilities can = drivers.storage(info.name)->capabilities(request.directory / info.name);
            if (!can.unsuitable_why.empty()) throw Error(Code::unimplemented, can.unsuitable_why);
            if (found.empty() || can.preference > highest) {
                found = info.name;
                highest = can.preference;
            }
        } catch (const Error& failure) {
            reasons += fmt::format("; {}: {}", info.name, failure.text());
        }
    }
    return found;
}

}  // namespace

StorageChoice chooseStorage(plugin::DriverRegistry& drivers, const StorageRequest& request) {
    makeDirectories(request.directory, 0700);
    if (request.existing && !request.configured.empty() && request.configured != *request.existing)
        throw error(Code::conflict,
                    "the store in {} was made with storage driver '{}', and '{}' is configured: use that driver, or another "
                    "data-root",
                    request.directory.parent_path().string(), *request.existing, request.configured);
    drivers.expect(request.existing.value_or(request.configured));
    if (!request.configured.empty()) return open(drivers, request, request.configured);
    if (request.existing) return open(drivers, request, *request.existing);
    std::string reasons;
    const std::string name = best(drivers, request, reasons);
    if (name.empty()) throw error(Code::unimplemented, "no storage driver suits this host{}", reasons);
    if (!reasons.empty()) log::debug("storage drivers that don't suit this host{}", reasons);
    return open(drivers, request, name);
}

}  // namespace davit::app
