#include "macvlan_driver.hpp"

DAVIT_PLUGIN("macvlan", "1.0", davit::MacvlanDriver)
