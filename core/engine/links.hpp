// Legacy links: what --link means on the default network. The linked container's address stands in the hosts file under an alias,
// and its ports and environment in variables. (On other networks a link is a name in one endpoint's configuration.)
//
// In a container's row a link is "ID:ALIAS", so that a rename changes nothing. Threads: any.
#pragma once

#include <string>
#include <vector>

#include "engine/container.hpp"

namespace davit::engine {

class ContainerTable;
class EngineCore;

/// At creation: makes "NAME" and "NAME:ALIAS" what the row keeps. Throws Error{invalid} "bad format for links: x" and "could not get
/// container for x: No such container: x".
void resolveLinks(const ContainerTable& table, runtime::HostConfig& host);

/// As clients see them: "/target:/container/alias". Links to containers that are gone are left out.
[[nodiscard]] std::vector<std::string> shownLinks(const ContainerTable& table, const Container& container);

/// Before a start: throws Error{system} "Cannot link to a non running container: /target AS /container/alias" and "Cannot link to
/// /target, as it does not belong to the default network".
void checkLinks(const EngineCore& core, const Container& container);

/// The variables that links give a container's processes; those of targets that don't run now are left out.
[[nodiscard]] std::vector<std::string> linkVariables(const EngineCore& core, const Container& container);

/// The lines that links give its hosts file.
[[nodiscard]] std::vector<std::string> linkHosts(const EngineCore& core, const Container& container);

/// A container has a new address: the hosts files of running ones that are linked to it say so.
void updateLinkedHosts(EngineCore& core, const std::string& target_id);

/// Takes "PARENT/ALIAS" from its parent. Throws Error{not_found} "No such container: x", {conflict} for what names a container.
void removeLink(EngineCore& core, const std::string& ref);

}  // namespace davit::engine
