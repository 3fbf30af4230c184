// davit system dial-stdio: the far end of an ssh:// host. Standard streams and daemon, byte for byte.
#include <poll.h>
#include <unistd.h>

#include "base/check.hpp"
#include "base/file.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {

int dialStdio(Cli& cli, CommandLine& line) {
    (void)line.parse();
    const std::unique_ptr<http::Stream> daemon = cli.client().dialRaw();
    std::byte buffer[32 * 1024];
    bool input_open = true;
    for (;;) {
        pollfd fds[] = {{daemon->pollFd(), POLLIN, 0}, {input_open ? STDIN_FILENO : -1, POLLIN, 0}};
        if (::poll(fds, 2, -1) < 0 && errno != EINTR) check(-1, "poll");
        if (fds[1].revents != 0) {
            const ssize_t size = ::read(STDIN_FILENO, buffer, sizeof buffer);
            if (size > 0) {
                daemon->write(std::span(buffer, static_cast<std::size_t>(size)), http::kNever);
            } else {
                input_open = false;
                daemon->shutdownWrite();
            }
        }
        if (fds[0].revents == 0) continue;
        const std::size_t size = daemon->read(buffer, http::kNever);
        if (size == 0) return 0;
        writeAll(STDOUT_FILENO, {reinterpret_cast<const char*>(buffer), size});
    }
}

}  // namespace davit::cli
