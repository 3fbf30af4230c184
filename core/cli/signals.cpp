#include "cli/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/check.hpp"

namespace davit::cli {

std::string signalName(int number) {
    const char* name = ::sigabbrev_np(number);
    return name != nullptr ? std::string(name) : std::to_string(number);
}

std::vector<int> proxiedSignals() {
    constexpr int kOwn[] = {SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE, SIGURG, SIGWINCH, SIGSEGV, SIGBUS,
                            SIGFPE,  SIGILL,  SIGTRAP, SIGABRT, SIGSYS, SIGTTIN,  SIGTTOU};
    std::vector<int> out;
    for (int number = 1; number < 32; ++number)
        if (std::find(std::begin(kOwn), std::end(kOwn), number) == std::end(kOwn)) out.push_back(number);
    return out;
}

SignalReader::SignalReader(const std::vector<int>& signals) {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : signals) ::sigaddset(&set, number);
    fd_ = UniqueFd(check(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), "create a signalfd"));
    check(::sigprocmask(SIG_BLOCK, &set, &before_), "block signals");
}

SignalReader::~SignalReader() { (void)::sigprocmask(SIG_SETMASK, &before_, nullptr); }

int SignalReader::next() noexcept {
    signalfd_siginfo info{};
    return ::read(fd_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace davit::cli
