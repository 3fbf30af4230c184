#include "base/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "base/check.hpp"

namespace davit {
namespace {

// Everything the child needs, prepared before it exists: it shares our memory until exec and must not allocate.
struct Plan {
    const char* program;
    char* const* argv;
    char* const* envp;
    const int* sources;  // descriptors that become 0, 1, 2, 3, …
    int* scratch;        // as many numbers for the child's copies
    int count;
    int scratch_base;    // above every source: the first dup target
    bool new_session;
    sigset_t mask;
    int error = 0;
};

constexpr int kLastDescriptor = 0x7fffffff;

[[noreturn]] int fail(Plan& plan) {
    plan.error = errno;
    ::_exit(127);
}

// It never returns: what AddressSanitizer marks on its stack would stay when others get that memory.
[[gnu::no_sanitize_address]] int runChild(void* argument) {
    auto& plan = *static_cast<Plan*>(argument);
    for (int number = 1; number < NSIG; ++number) {
        struct sigaction action {};
        action.sa_handler = SIG_DFL;
        (void)::sigaction(number, &action, nullptr);  // KILL, STOP and libc's own refuse: fine
    }
    if (plan.new_session) (void)::setsid();  // fails only for a group leader, which a new process isn't
    // Two steps, so that no source is overwritten before it is copied.
    for (int i = 0; i < plan.count; ++i) {
        plan.scratch[i] = ::fcntl(plan.sources[i], F_DUPFD, plan.scratch_base);
        if (plan.scratch[i] < 0) return fail(plan);
    }
    for (int i = 0; i < plan.count; ++i)
        if (::dup2(plan.scratch[i], i) < 0) return fail(plan);
    if (::syscall(SYS_close_range, plan.count, kLastDescriptor, 0) < 0) return fail(plan);
    (void)::sigprocmask(SIG_SETMASK, &plan.mask, nullptr);
    (void)::execve(plan.program, plan.argv, plan.envp);
    return fail(plan);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));  // exec doesn't write
    result.push_back(nullptr);
    return result;
}

ExitStatus fromSiginfo(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) return {.code = info.si_status, .signal = 0};
    return {.code = 0, .signal = info.si_status};
}

}  // namespace

ChildProcess ChildProcess::spawn(const SpawnOptions& options) {
    const UniqueFd null(check(::open("/dev/null", O_RDWR | O_CLOEXEC), "open /dev/null"));
    std::vector<int> sources{options.stdin_fd < 0 ? null.get() : options.stdin_fd,
                             options.stdout_fd < 0 ? null.get() : options.stdout_fd,
                             options.stderr_fd < 0 ? STDERR_FILENO : options.stderr_fd};
    sources.insert(sources.end(), options.inherit.begin(), options.inherit.end());
    std::vector<int> scratch(sources.size());
    const auto argv = pointers(options.args);
    const auto envp = pointers(options.env);
    Plan plan{.program = options.program.c_str(),
              .argv = argv.data(),
              .envp = envp.data(),
              .sources = sources.data(),
              .scratch = scratch.data(),
              .count = static_cast<int>(sources.size()),
              .scratch_base = static_cast<int>(sources.size()),
              .new_session = options.new_session,
              .mask = {}};
    ::sigemptyset(&plan.mask);

    constexpr std::size_t kStack = 64 * 1024;
    void* stack = ::mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) throw Error::system("allocate a child's stack", errno);
    // No signal handler of ours may run in the child while it shares our memory.
    sigset_t all;
    sigset_t saved;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &saved);
    int pidfd = -1;
    const int pid = ::clone(runChild, static_cast<char*>(stack) + kStack,
                            CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &plan, &pidfd);
    const int clone_error = errno;
    ::pthread_sigmask(SIG_SETMASK, &saved, nullptr);
    (void)::munmap(stack, kStack);
    if (pid < 0) throw Error::system(fmt::format("start {}", options.program), clone_error);
    ChildProcess child(pid, UniqueFd(pidfd));
    if (plan.error != 0) {
        child.wait();
        throw Error::system(fmt::format("start {}", options.program), plan.error);
    }
    return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)), status_(other.status_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(pidfd_, other.pidfd_);
    std::swap(status_, other.status_);
    return *this;
}

ChildProcess::~ChildProcess() {
    if (pid_ < 0 || status_) return;
    (void)signal(SIGKILL);
    siginfo_t info{};
    (void)::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED);
}

std::optional<ExitStatus> ChildProcess::wait(std::optional<std::chrono::milliseconds> timeout) {
    if (status_) return status_;
    if (timeout) {
        pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
        const auto until = std::chrono::steady_clock::now() + *timeout;
        for (;;) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
            const int ready = ::poll(&ended, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
            if (ready > 0) break;
            if (ready == 0) return std::nullopt;
            if (errno != EINTR) throw Error::system("wait for a child", errno);
        }
    }
    siginfo_t info{};
    int waited;
    do waited = ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED);
    while (waited < 0 && errno == EINTR);
    check(waited, "wait for process {}", pid_);
    status_ = fromSiginfo(info);
    return status_;
}

bool ChildProcess::signal(int number) noexcept {
    return !status_ && pidfd_ && ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) == 0;
}

void ChildProcess::release() noexcept {
    pid_ = -1;
    pidfd_.reset();
}

}  // namespace davit
