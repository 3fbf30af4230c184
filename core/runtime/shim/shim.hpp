// davit-shim: the monitor of one container. Started by davitd as `davit-shim ID [NAMESPACES]` with descriptors
//     3  the program itself (a sealed memory file; closed at once)
//     4  the control connection (SOCK_SEQPACKET)
// Its first datagram is Type::launch with the launch plan (a memory file) and the clients that attached before the start. A shim may
// wait for it: then it is started ahead of its container, with a placeholder of an id's length, and has the container's first
// process waiting in NAMESPACES (CLONE_NEW*, a decimal number) too. It ends when the connection does.
// It launches the plan's container, then serves it until it has ended and has been cleaned up. From then on its life doesn't depend
// on the daemon's. With plans of Mode::launch and Mode::join it is davit-runtime's launcher instead: it starts the process with its
// own standard streams, answers on the control connection and leaves. Single-threaded, static, without C++ library.
#pragma once

namespace davit::shim {

/// The whole program; the exit code.
int runShim(int argc, char** argv);

}  // namespace davit::shim
