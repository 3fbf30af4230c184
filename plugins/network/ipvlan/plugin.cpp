#include "ipvlan_driver.hpp"

DAVIT_PLUGIN("ipvlan", "1.0", davit::IpvlanDriver)
