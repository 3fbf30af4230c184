// davit-resolver: see resolver/server.hpp. Started by davitd, never by hand: descriptor 3 is its control socket, the argument
// that socket's path.
#include <sys/resource.h>
#include <sys/socket.h>

#include <csignal>
#include <exception>

#include "resolver/privileges.hpp"
#include "resolver/server.hpp"

namespace {

constexpr int kListener = 3;
constexpr int kBacklog = 4;

void raiseDescriptorLimit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);  // up to the hard limit it is always permitted
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 2) return 2;
        davit::UniqueFd listener(kListener);
        // Again, so that who connects finds this process in SO_PEERCRED.
        if (::listen(listener.get(), kBacklog) != 0) return 1;
        (void)::signal(SIGPIPE, SIG_IGN);  // can't fail for this signal
        raiseDescriptorLimit();
        davit::resolver::dropPrivileges();
        davit::resolver::Server(std::move(listener), argv[1]).run();
        return 0;
    } catch (const std::exception&) {  // its davitd says that it has ended
        return 1;
    }
}
