#include "runtime/oci_terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "base/check.hpp"

namespace davit::runtime {
namespace {

constexpr int kForwarded[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

sigset_t handledSignals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : kForwarded) ::sigaddset(&set, number);
    ::sigaddset(&set, SIGWINCH);
    ::sigaddset(&set, SIGCHLD);
    return set;
}

UniqueFd listenAt(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);  // TempDir's names are short
    UniqueFd listener(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "make a console socket"));
    check(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "bind {}", path);
    check(::listen(listener.get(), 1), "listen at {}", path);
    return listener;
}

UniqueFd receiveMaster(int listener) {
    const UniqueFd peer(check(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "take the terminal"));
    char name[256];
    iovec part{name, sizeof name};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    check(::recvmsg(peer.get(), &header, MSG_CMSG_CLOEXEC), "take the terminal");
    const cmsghdr* entry = CMSG_FIRSTHDR(&header);
    if (entry == nullptr || entry->cmsg_type != SCM_RIGHTS) throw Error(Code::system, "no terminal came");
    int master = -1;
    std::memcpy(&master, CMSG_DATA(entry), sizeof master);
    return UniqueFd(master);
}

}  // namespace

OciTerminal::OciTerminal() : listener_(listenAt(socketPath())) {
    const sigset_t handled = handledSignals();
    check(::sigprocmask(SIG_BLOCK, &handled, nullptr), "block signals");
    signals_.reset(check(::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK), "watch signals"));
}

OciTerminal::~OciTerminal() {
    if (saved_) (void)::tcsetattr(STDIN_FILENO, TCSADRAIN, &*saved_);  // nothing can be done about a failure
    const sigset_t handled = handledSignals();
    (void)::sigprocmask(SIG_UNBLOCK, &handled, nullptr);
}

void OciTerminal::begin() {
    master_ = receiveMaster(listener_.get());
    check(::fcntl(master_.get(), F_SETFL, O_RDWR | O_NONBLOCK), "set up the terminal");
    copySize();
    termios own{};
    if (::tcgetattr(STDIN_FILENO, &own) != 0) return;  // input from a file or a pipe
    saved_ = own;
    ::cfmakeraw(&own);
    check(::tcsetattr(STDIN_FILENO, TCSADRAIN, &own), "make the terminal raw");
}

void OciTerminal::copySize() const {
    winsize size{};
    if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) (void)::ioctl(master_.get(), TIOCSWINSZ, &size);
}

void OciTerminal::readInput() {
    char block[4096];
    const ssize_t count = ::read(STDIN_FILENO, block, sizeof block);
    if (count > 0) pending_.append(block, static_cast<std::size_t>(count));
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) input_open_ = false;
}

void OciTerminal::writeInput() {
    const ssize_t count = ::write(master_.get(), pending_.data(), pending_.size());
    if (count > 0) pending_.erase(0, static_cast<std::size_t>(count));
    if (count < 0 && errno != EAGAIN && errno != EINTR) pending_.clear();  // nobody will read it
}

bool OciTerminal::readOutput() {
    char block[16384];
    const ssize_t count = ::read(master_.get(), block, sizeof block);
    if (count <= 0) return count < 0 && errno == EINTR;  // the last process that had it open is gone: EIO
    writeAll(STDOUT_FILENO, {block, static_cast<std::size_t>(count)});
    return true;
}

bool OciTerminal::handleSignals(pid_t pid) {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGWINCH) copySize();
        else if (info.ssi_signo != SIGCHLD) (void)::kill(pid, static_cast<int>(info.ssi_signo));
    }
    int status = 0;
    for (pid_t ended = 0; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        if (ended != pid) continue;
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return true;
    }
    return false;
}

int OciTerminal::relay(pid_t pid) {
    bool output_open = true;
    while (!handleSignals(pid)) {
        pollfd ready[3] = {{signals_.get(), POLLIN, 0}, {output_open ? master_.get() : -1, POLLIN, 0},
                           {input_open_ && pending_.empty() ? STDIN_FILENO : -1, POLLIN, 0}};
        if (!pending_.empty()) ready[1].events |= POLLOUT;
        if (::poll(ready, 3, -1) < 0) continue;
        if ((ready[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) output_open = readOutput() || errno == EAGAIN;
        if ((ready[1].revents & POLLOUT) != 0) writeInput();
        if (ready[2].revents != 0) readInput();
    }
    while (readOutput()) {
    }
    return code_;
}

}  // namespace davit::runtime
