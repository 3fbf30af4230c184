#include "parent.hpp"

#include <net/if.h>

#include <algorithm>
#include <charconv>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "common/link_removal.hpp"
#include "common/setting.hpp"
#include "linux/netlink/link_requests.hpp"

namespace davit::parent_link {
namespace {

constexpr const char* kAlias = "davit parent link";
constexpr int kLastVlan = 4094;

// What leads nowhere: frames to it are dropped. Not every kernel has the first.
constexpr const char* kPlaceholderKinds[] = {"dummy", "ifb"};

// The alias goes with the link's creation: what was made by a process that died is known.
bool makePlaceholder(const std::string& name, const char* link_kind) {
    linux::NetlinkBatch batch;
    linux::addLink(batch, name, link_kind);
    linux::setAlias(batch, name, kAlias);
    try {
        batch.run();
    } catch (const Error& e) {
        if (e.sysErrno() == EOPNOTSUPP) return false;
        if (e.sysErrno() != EEXIST) throw;
    }
    return true;
}

void raisePlaceholder(const std::string& name) {
    (void)writeSetting("ipv6/conf/" + name + "/disable_ipv6", "1");
    linux::NetlinkBatch batch;
    linux::setUp(batch, name);
    batch.run();
}

void addPlaceholder(const Kind& kind, const std::string& name) {
    const bool made = std::any_of(std::begin(kPlaceholderKinds), std::end(kPlaceholderKinds),
                                  [&name](const char* link_kind) { return makePlaceholder(name, link_kind); });
    if (!made)
        throw error(Code::unavailable, "a {} network without a parent interface needs a kernel with dummy or ifb links: name one with -o parent=",
                    kind.name);
    Defer undo([&name] { removeParent(name); });
    raisePlaceholder(name);
    undo.dismiss();
}

struct VlanName {
    std::string master;
    int id = 0;
};

VlanName parseVlan(const std::string& name) {
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos)
        throw error(Code::invalid, "invalid subinterface vlan name {}, example formatting is eth0.10", name);
    if (name.find('.', dot + 1) != std::string::npos)
        throw error(Code::invalid, "required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received {}", name);
    VlanName vlan{.master = name.substr(0, dot)};
    const std::string number = name.substr(dot + 1);
    const auto [end, status] = std::from_chars(number.data(), number.data() + number.size(), vlan.id);
    if (status != std::errc() || end != number.data() + number.size())
        throw error(Code::invalid, "unable to parse a valid vlan id from: {} (ex. eth0.10 for vlan 10)", number);
    if (::if_nametoindex(vlan.master.c_str()) == 0)
        throw error(Code::invalid, "-o parent interface was not found on the host: {}", vlan.master);
    if (vlan.id < 1 || vlan.id > kLastVlan) throw error(Code::invalid, "vlan id must be between 1-4094, received: {}", vlan.id);
    return vlan;
}

void addVlan(const std::string& name) {
    const VlanName vlan = parseVlan(name);
    linux::NetlinkBatch batch;
    const int master = static_cast<int>(::if_nametoindex(vlan.master.c_str()));
    linux::addVlan(batch, {.name = name, .parent = master}, static_cast<std::uint16_t>(vlan.id));
    linux::setAlias(batch, name, kAlias);
    linux::setUp(batch, name);
    try {
        batch.run();
    } catch (const Error& e) {
        if (e.sysErrno() != EEXIST) {
            removeParent(name);
            throw error(e.code(), "failed to create {} vlan link: {}", name, e.text());
        }
    }
}

}  // namespace

int ensureParent(const Kind& kind, const Network& network) {
    if (::if_nametoindex(network.parent.c_str()) == 0) {
        if (network.placeholder)
            addPlaceholder(kind, network.parent);
        else
            addVlan(network.parent);
    }
    return check(static_cast<int>(::if_nametoindex(network.parent.c_str())) - 1, "find link {}", network.parent) + 1;
}

int requireParent(const Kind& kind, const Network& network) {
    try {
        return ensureParent(kind, network);
    } catch (const Error& e) {
        if (e.code() != Code::invalid) throw;
        throw error(Code::not_found, "the requested parent interface {} was not found on the Docker host", network.parent);
    }
}

void removeParent(const std::string& name) { removeOwnLink(name, kAlias); }

void removePlaceholder(const Kind& kind, const std::string& network_id) {
    if (network_id.size() >= 12) removeParent(kind.placeholder_prefix + network_id.substr(0, 12));
}

}  // namespace davit::parent_link
