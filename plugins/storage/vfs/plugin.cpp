#include "vfs_driver.hpp"

#include "davit/sdk.hpp"

DAVIT_PLUGIN("vfs", "1.0", davit::VfsDriver)
