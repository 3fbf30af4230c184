// firewalld beside us: it rejects what is forwarded from an interface of a zone that doesn't accept it, whatever other tables say. So
// each bridge has to be in a zone that does; that is told to the firewall that runs, over D-Bus, and isn't kept on its disk.
// Source of the calls: firewalld.dbus(5), interface org.fedoraproject.FirewallD1.zone.
#pragma once

#include <set>
#include <string>

namespace davit::bridge {

/// Puts the bridges that are in no zone yet into the zone "docker", where the host has it, else into "trusted"; what an administrator
/// has put elsewhere stays there. Without a firewalld that runs in this network namespace there is nothing to do. Any thread; takes
/// some 50 ms for a bridge that is new, and 5 s where the bus or firewalld doesn't answer.
/// Throws Error{unavailable, system}: it runs but didn't do it.
void admitToFirewalld(const std::set<std::string>& bridges);

/// Takes a bridge of which no network is left out of such a zone, unless the firewall's files put it there. As above.
void dismissFromFirewalld(const std::string& bridge);

}  // namespace davit::bridge
