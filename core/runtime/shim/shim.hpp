// davit-shim: the monitor of one container. Started by davitd with descriptors
//     3  the program itself (a sealed memory file; closed at once)
//     4  the control connection (SOCK_SEQPACKET)
//     5  the launch plan (a memory file)
//     6… the clients that attached before the start
// It launches the plan's container, then serves it until it has ended and has been cleaned up. Its life doesn't depend on
// the daemon's. With plans of Mode::launch and Mode::join it is davit-runtime's launcher instead: it starts the process with its
// own standard streams, answers on the control connection and leaves. Single-threaded, static, without C++ library.
#pragma once

namespace davit::shim {

/// The whole program; the exit code.
int runShim();

}  // namespace davit::shim
