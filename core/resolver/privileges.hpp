// What the resolver, which reads the bytes of containers and of the world, may do at most.
#pragma once

namespace davit::resolver {

/// Gives up every capability but that of entering network namespaces, for this process and what it might execute. Throws
/// Error{system}. Where it never had them there is nothing to give up.
void dropPrivileges();

}  // namespace davit::resolver
