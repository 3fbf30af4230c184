// The C++ SDK for davit plugins. Include this, derive from one of the four driver interfaces, and end the file with
// DAVIT_PLUGIN. See context.hpp for the shape, driver/*_driver.hpp for what to implement, sdk/template for whole plugins.
//
// Standard C++20 and RapidJSON's headers only; nothing to link. The same shared object is loaded by davitd, or served over
// Docker's plugin HTTP protocol by `davit-plugin-host my.so --listen unix:///run/docker/plugins/my.sock`.
#pragma once

#include "davit/config.hpp"    // IWYU pragma: export
#include "davit/context.hpp"   // IWYU pragma: export
#include "davit/dispatch.hpp"  // IWYU pragma: export
#include "davit/glue.hpp"      // IWYU pragma: export
#include "driver/ipam_driver.hpp"
#include "driver/network_driver.hpp"
#include "driver/storage_driver.hpp"
#include "driver/volume_driver.hpp"
