// Kind: in what the drivers of this folder differ.
#pragma once

#include <cstdint>

#include "driver/network_driver.hpp"
#include "linux/netlink/link_requests.hpp"

namespace davit::parent_link {

/// The kernel's numbers, and what follows from them.
struct Mode {
    std::uint16_t mode = 0;
    std::uint16_t flags = 0;
    bool exclusive = false;    ///< the parent carries one endpoint only
    bool routed = false;       ///< no gateway: the default route is the link itself
    bool among_itself = true;  ///< links on the same parent reach each other
};

struct Kind {
    const char* name;         ///< of the driver, and of its links in the kernel
    const char* placeholder_prefix;  ///< of the parents that it makes for networks without one
    const char* host_prefix;  ///< of the links that give hosts access
    bool own_mac;             ///< each link has a MAC address of its own
    bool shares_parent;       ///< several networks may be on one parent
    /// From the user's options. Throws Error{invalid}.
    Mode (*read_mode)(const Options& options);
    /// Adds the request that makes a link.
    void (*add)(linux::NetlinkBatch& batch, const linux::UpperLink& link, const Mode& mode);
};

}  // namespace davit::parent_link
