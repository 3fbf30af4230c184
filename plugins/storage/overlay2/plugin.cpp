#include "overlay2_driver.hpp"

#include "davit/sdk.hpp"

DAVIT_PLUGIN("overlay2", "1.0", davit::Overlay2Driver)
