#include "davit/sdk.hpp"
#include "local_driver.hpp"

DAVIT_PLUGIN("local", "1.0", davit::LocalVolumeDriver)
