#include "btrfs_driver.hpp"

#include "davit/sdk.hpp"

DAVIT_PLUGIN("btrfs", "1.0", davit::BtrfsDriver)
