#include "default_ipam_driver.hpp"

DAVIT_PLUGIN("default", "1.0", davit::DefaultIpamDriver)
