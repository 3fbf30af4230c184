// What the resolver knows of one sandbox: plain values, in davitd and in davit-resolver alike.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/ip.hpp"

namespace davit::resolver {

/// A server that is asked what the resolver doesn't know.
struct Upstream {
    std::string address;     ///< plain IP, perhaps with a zone
    bool from_host = false;  ///< asked from the host's namespace, because the sandbox can't reach it
    friend bool operator==(const Upstream&, const Upstream&) = default;
};

/// The sandbox's place on one network.
struct Membership {
    std::string network;             ///< id
    std::string network_name;
    std::vector<std::string> names;  ///< what others on the network find it by; the first is what a reverse lookup answers
    std::vector<IpAddress> addresses;
    std::map<std::string, std::string> links;  ///< names that only this sandbox uses -> names on the network
    friend bool operator==(const Membership&, const Membership&) = default;
};

struct SandboxNames {
    std::string id;
    std::vector<Membership> memberships;  ///< in the order in which they are searched
    std::vector<Upstream> upstreams;      ///< in the order in which they are asked
    bool forward = true;                  ///< false: without a way out nothing is asked of others (SEC-60)
    bool ndots_set = false;               ///< the client chose "ndots": names without a dot are only ever local
    friend bool operator==(const SandboxNames&, const SandboxNames&) = default;
};

}  // namespace davit::resolver
