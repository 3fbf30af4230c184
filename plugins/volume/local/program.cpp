#include "program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/file.hpp"
#include "davit/context.hpp"
#include "store.hpp"

namespace davit::local {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostOutput = 4096;

UniqueFd memory(std::string_view content) {
    UniqueFd fd(check(::memfd_create("volume", MFD_CLOEXEC), "make a file in memory"));
    writeAll(fd.get(), content);
    check(::lseek(fd.get(), 0, SEEK_SET), "rewind");
    return fd;
}

std::string contentOf(int fd) {
    std::string text(kMostOutput, '\0');
    const ssize_t size = check(::pread(fd, text.data(), text.size(), 0), "read a program's output");
    text.resize(static_cast<std::size_t>(size));
    return text;
}

std::string lastLine(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text.substr(text.find_last_of('\n') + 1);
}

}  // namespace

Programs::~Programs() {
    const Lock lock(mutex_);
    for (ChildProcess& child : stuck_)
        if (!child.wait(0ms)) child.release();
}

void Programs::end(ChildProcess child) {
    (void)child.signal(SIGKILL);
    if (child.wait(200ms)) return;
    const Lock lock(mutex_);
    stuck_.push_back(std::move(child));
}

Programs::Outcome Programs::run(const std::vector<std::string>& command, std::string_view input, const std::string& doing,
                                std::chrono::milliseconds least) {
    {
        const Lock lock(mutex_);
        std::erase_if(stuck_, [](ChildProcess& child) { return child.wait(0ms).has_value(); });
    }
    const UniqueFd in = memory(input), out = memory({}), errors = memory({});
    const auto time = std::max(timeLeft(), least);
    const auto begin = std::chrono::steady_clock::now();
    auto child = ChildProcess::spawn({.program = command.front(),
                                      .args = command,
                                      .env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"},
                                      .stdin_fd = in.get(),
                                      .stdout_fd = out.get(),
                                      .stderr_fd = errors.get(),
                                      .inherit = {},
                                      .new_session = true});
    // In pieces, to notice a caller that goes away.
    for (;;) {
        const auto spent = std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
        const auto left = time - spent;
        const bool unwanted = spent >= least && CurrentCall::cancelled();
        if (const auto status = child.wait(std::clamp(left, 0ms, 200ms))) return {*status, contentOf(out.get()), contentOf(errors.get())};
        if (left > 0ms && !unwanted) continue;
        end(std::move(child));
        if (unwanted) throw error(Code::cancelled, "{}: the caller went away", doing);
        throw error(Code::deadline, "{}: no answer within {} ms", doing, time.count());
    }
}

std::string Programs::find(const std::string& tool) {
    for (const char* directory : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"})
        if (::access((directory + tool).c_str(), X_OK) == 0) return directory + tool;
    return {};
}

void Programs::tool(const std::string& name, std::vector<std::string> arguments, const std::string& doing, int good) {
    std::string path = find(name);
    if (path.empty()) throw error(Code::unimplemented, "{}: {} isn't installed", doing, name);
    arguments.insert(arguments.begin(), std::move(path));
    const Outcome outcome = run(arguments, {}, doing);
    const int code = outcome.status.dockerCode();
    if (code > good) throw error(Code::system, "{}: {} ended with {}: {}", doing, name, code, lastLine(outcome.errors));
}

}  // namespace davit::local
