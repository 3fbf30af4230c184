#include "ipvlan_driver.hpp"

#include <linux/if_link.h>

#include "base/check.hpp"

namespace davit {
namespace {

using parent_link::Mode;

std::string valueOf(const Options& options, const char* name) {
    const auto found = options.find(name);
    return found == options.end() ? std::string() : found->second;
}

Mode readMode(const Options& options) {
    const std::string mode = valueOf(options, "ipvlan_mode"), flag = valueOf(options, "ipvlan_flag");
    Mode result{.mode = IPVLAN_MODE_L2};
    if (mode == "l3" || mode == "l3s") {
        result.mode = mode == "l3" ? IPVLAN_MODE_L3 : IPVLAN_MODE_L3S;
        result.routed = true;
    } else if (!mode.empty() && mode != "l2") {
        throw error(Code::invalid, "requested ipvlan mode '{}' is not valid, 'l2' mode is the ipvlan driver default", mode);
    }
    if (flag == "private" || flag == "vepa") {
        result.flags = flag == "private" ? IPVLAN_F_PRIVATE : IPVLAN_F_VEPA;
        result.among_itself = false;
    } else if (!flag.empty() && flag != "bridge") {
        throw error(Code::invalid, "requested ipvlan flag '{}' is not valid, 'bridge' is the ipvlan driver default", flag);
    }
    return result;
}

void addLink(linux::NetlinkBatch& batch, const linux::UpperLink& link, const Mode& mode) {
    linux::addIpvlan(batch, link, mode.mode, mode.flags);
}

}  // namespace

const parent_link::Kind& ipvlanKind() {
    static constexpr parent_link::Kind kKind{.name = "ipvlan",
                                             .placeholder_prefix = "di-",
                                             .host_prefix = "ih-",
                                             .own_mac = false,
                                             .shares_parent = false,
                                             .read_mode = &readMode,
                                             .add = &addLink};
    return kKind;
}

}  // namespace davit
