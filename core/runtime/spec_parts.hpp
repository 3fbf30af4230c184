// The parts of buildSpec(), one per concern. Internal to core/runtime.
#pragma once

#include "oci/runtime_spec.hpp"
#include "runtime/security_options.hpp"
#include "runtime/spec_builder.hpp"

namespace davit::runtime {

/// process: arguments, environment, user, capabilities, limits.
void buildProcess(oci::RuntimeSpec& spec, const SpecInput& input, const SecurityOptions& security);
/// linux.namespaces, host and domain name, and the sysctls that belong to new namespaces.
void buildNamespaces(oci::RuntimeSpec& spec, const SpecInput& input);
/// mounts, in the order in which they are made.
void buildMounts(oci::RuntimeSpec& spec, const SpecInput& input, const SecurityOptions& security);
/// linux.devices and the device rules.
void buildDevices(oci::RuntimeSpec& spec, const SpecInput& input);
/// linux.resources but for the device rules.
void buildResources(oci::RuntimeSpec& spec, const Resources& resources);

}  // namespace davit::runtime
