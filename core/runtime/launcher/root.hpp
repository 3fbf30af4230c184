// Dresses a container's root: device nodes, links, masked and read-only paths, kernel settings; then enters it.
#pragma once

#include "runtime/plan.hpp"

namespace davit::launcher {

bool makeNodes(const plan::View& view, const plan::Launch& launch, int root);
bool makeLinks(const plan::View& view, const plan::Launch& launch, int root);

/// Hides the masked paths: directories below an empty read-only file system, files below the host's /dev/null, whose
/// descriptor is verified (SEC-03). Missing ones are skipped.
bool maskPaths(const plan::View& view, const plan::Launch& launch, int root);
bool makeReadOnly(const plan::View& view, const plan::Launch& launch, int root);
bool writeSysctls(const plan::View& view, const plan::Launch& launch, int root);

/// A pseudo-terminal of the container's own devpts: the master's descriptor, the peer in `*peer`; -1 on failure. With
/// `console` the peer is mounted on /dev/console (SEC-04).
int openTerminal(int root, const plan::Process& process, int* peer, bool console);

/// Makes `root` the file system root of this mount namespace and leaves nothing of the host's.
bool enterRoot(int root, bool readonly);

}  // namespace davit::launcher
