#include "bridge_driver.hpp"

DAVIT_PLUGIN("bridge", "1.0", davit::bridge::BridgeDriver)
