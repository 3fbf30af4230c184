// Published ports as elements of the rule set's maps and sets: as text for a whole rule set, and as messages to the kernel, because
// a port comes and goes with every container and libnftables would read everybody's rules each time.
#pragma once

#include <string>
#include <vector>

#include "bridge_options.hpp"
#include "linux/netlink/batch.hpp"
#include "port_map.hpp"

namespace davit::bridge {

/// One component of a key or a value.
struct Field {
    enum class Kind { address, protocol, port };
    Kind kind = Kind::port;
    IpAddress address;
    unsigned number = 0;

    [[nodiscard]] std::string text() const;
    /// In network order, filled up to whole words as the kernel keeps it.
    [[nodiscard]] std::string bytes() const;
};

struct PortElement {
    IpFamily family = IpFamily::v4;
    const char* set = "";
    std::vector<Field> key;
    std::vector<Field> value;  ///< of maps

    /// "tcp . 8080"
    [[nodiscard]] std::string keyText() const;
    [[nodiscard]] std::string valueText() const;
};

/// What the ports of one endpoint need; nothing for what the kernel can't carry.
[[nodiscard]] std::vector<PortElement> portElements(const Network& network, const std::vector<PublishedPort>& ports);

enum class Change { add, remove };
/// One transaction. Throws Error::system; then nothing has changed. Requires: a connection to netfilter.
void changeElements(const linux::NetlinkSocket& socket, Change change, const std::vector<PortElement>& elements);

}  // namespace davit::bridge
