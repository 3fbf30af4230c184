// What other programs' rules mean for containers: a forward chain of iptables whose policy is to drop, and the bridges of another
// engine of Docker's kind. Only text is made and read here; Firewall talks to the kernel.
//
// iptables keeps its rules in the table "filter". Where its chain FORWARD drops what nobody decided about, a jump to a chain
// DAVIT-FORWARD is added at its end, so that every rule of others comes first; it accepts what comes from and goes to our bridges,
// which our own table has decided about already. Nothing else of others is changed, and the chain goes with the last bridge.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/ip.hpp"

namespace davit::bridge {

struct ForeignForward {
    bool drops = false;             ///< its policy
    std::string jump;               ///< the handle of the jump to our chain; empty: there is none
    std::set<std::string> bridges;  ///< which Docker filters

    bool operator==(const ForeignForward&) const noexcept = default;
};

/// `listing`: what "list chain ip filter FORWARD" prints with handles; empty when there is none.
[[nodiscard]] ForeignForward readForward(std::string_view listing);
/// What brings DAVIT-FORWARD to what it should be; empty: nothing. `bridges` are ours.
[[nodiscard]] std::string forwardCommands(IpFamily family, const ForeignForward& found, const std::set<std::string>& bridges);

}  // namespace davit::bridge
