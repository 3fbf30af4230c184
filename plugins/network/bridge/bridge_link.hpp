// The bridge of a network in the kernel: made, adopted, found again, removed.
#pragma once

#include "bridge_options.hpp"

namespace davit::bridge {

struct MadeBridge {
    int index = 0;
    bool adopted = false;  ///< it was there before and isn't ours to remove
};

/// Makes the bridge or takes the one of that name, gives it the network's addresses and settings, and raises it. Everything that
/// it has already stays. Throws Error{forbidden} when the name belongs to another kind of link; what it made is gone then.
MadeBridge setUpBridge(const Network& network);

/// Removes what was made for a network of this id, whatever its name; one that was adopted stays.
void removeBridgeOf(const std::string& network_id);

/// The index of the network's bridge; made again when somebody removed it.
int bridgeIndex(const Network& network);

}  // namespace davit::bridge
