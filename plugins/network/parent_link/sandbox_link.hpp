// The link of an endpoint: born in the sandbox on top of a parent outside, or beside its parent where the sandbox comes later.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/interface.hpp"
#include "endpoint.hpp"
#include "kind.hpp"
#include "network.hpp"

namespace davit::parent_link {

struct Attachment {
    const Kind& kind;
    const Network& network;
    const Endpoint& endpoint;
    int parent = 0;          ///< its index
    bool repeated = false;  ///< a link of that name in the sandbox is an earlier attempt's
    std::vector<InterfaceSetting> settings;
    /// Called while an earlier endpoint's link, which is on its way out, is still in the way.
    std::function<void()> in_the_way;
};

/// Makes the link, addresses and raises it. Nothing is left of it on failure.
void attach(const Attachment& attachment);
/// Makes the link on the host for the engine, which moves it, addresses and raises it.
void attachForEngine(const Attachment& attachment);

/// Where a link is, and how it is known.
struct SandboxLink {
    std::string sandbox;  ///< empty: it is the engine's, which gives it back to the host
    std::string interface;
    std::string alias;
};

/// Removes a link, if it is still there and that endpoint's. A sandbox that is gone has taken its links with it.
void detach(const SandboxLink& link);
void detachAll(const std::vector<SandboxLink>& links);

}  // namespace davit::parent_link
