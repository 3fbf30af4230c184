// The parent links of networks: found, or made and removed where they are the driver's own. Which those are says a remark on the
// link itself, so it is known after any crash.
#pragma once

#include <string>

#include "kind.hpp"
#include "network.hpp"

namespace davit::parent_link {

/// The index of the network's parent. Makes what is missing: a placeholder, or the 802.1q link "eth0.50" on eth0. Throws
/// Error{invalid} with Docker's texts for names that can't be made; nothing is left then.
int ensureParent(const Kind& kind, const Network& network);

/// The same for an endpoint: a parent that is gone is Error{not_found} "the requested parent interface … was not found on the Docker
/// host".
int requireParent(const Kind& kind, const Network& network);

/// Removes a link of that name if it was made here. Requires: no network uses it.
void removeParent(const std::string& name);
/// The one that a creation of the network may have made that was cut off.
void removePlaceholder(const Kind& kind, const std::string& network_id);

}  // namespace davit::parent_link
