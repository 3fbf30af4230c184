#include "macvlan_driver.hpp"

#include <linux/if_link.h>

#include "base/check.hpp"

namespace davit {
namespace {

using parent_link::Mode;

Mode readMode(const Options& options) {
    const auto found = options.find("macvlan_mode");
    const std::string mode = found == options.end() ? "" : found->second;
    if (mode.empty() || mode == "bridge") return {.mode = MACVLAN_MODE_BRIDGE};
    if (mode == "private") return {.mode = MACVLAN_MODE_PRIVATE, .among_itself = false};
    if (mode == "vepa") return {.mode = MACVLAN_MODE_VEPA, .among_itself = false};
    if (mode == "passthru") return {.mode = MACVLAN_MODE_PASSTHRU, .exclusive = true, .among_itself = false};
    throw error(Code::invalid, "requested macvlan mode '{}' is not valid, 'bridge' mode is the macvlan driver default", mode);
}

void addLink(linux::NetlinkBatch& batch, const linux::UpperLink& link, const Mode& mode) { linux::addMacvlan(batch, link, mode.mode); }

}  // namespace

const parent_link::Kind& macvlanKind() {
    static constexpr parent_link::Kind kKind{.name = "macvlan",
                                             .placeholder_prefix = "dm-",
                                             .host_prefix = "mh-",
                                             .own_mac = true,
                                             .shares_parent = true,
                                             .read_mode = &readMode,
                                             .add = &addLink};
    return kKind;
}

}  // namespace davit
