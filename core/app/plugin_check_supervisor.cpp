#include "plugin_check_supervisor.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "base/check.hpp"
#include "base/process.hpp"
#include "plugin_check_progress.hpp"

namespace davit::plugin_check {
namespace {

constexpr int kGiveUpAfter = 2;

// One life of the checking process.
struct Life {
    int session = 0;
    int rule = 0;
    std::string name;    ///< of the rule; empty: none was begun
    std::string method;  ///< the last call of the rule
    bool ended = false;  ///< it got to the end
    bool blocked = false;
    ExitStatus status;

    [[nodiscard]] std::string what() const {
        std::string text = blocked ? "no end: the driver doesn't answer"
                           : status.signal != 0
                               ? fmt::format("the driver ended its process with signal {} ({})", status.signal, ::strsignal(status.signal))
                               : fmt::format("the driver ended its process with exit status {}", status.code);
        if (!method.empty()) text += ", in " + method;
        return text;
    }
};

void take(Life& life, Totals& totals, const std::string& line) {
    const auto rest = [&](std::size_t at) { return at < line.size() ? line.substr(at) : std::string(); };
    if (line.starts_with("session ")) {
        life.session = std::atoi(line.c_str() + 8);
        life.rule = 0;
        life.name.clear();
        life.method.clear();
    } else if (line.starts_with("rule ")) {
        life.rule = std::atoi(line.c_str() + 5);
        life.name = rest(line.find(' ', 5) + 1);
        life.method.clear();
    } else if (line.starts_with("call ")) {
        life.method = rest(5);
    } else if (line == "kept") {
        ++totals.kept;
    } else if (line == "broken") {
        ++totals.broken;
    } else if (line == "skipped") {
        ++totals.skipped;
    } else if (line == "end") {
        life.ended = true;
    }
}

// Reads what the process tells until it ends, or says nothing for too long.
void follow(int fd, Life& life, Totals& totals, std::chrono::seconds patience) {
    std::string pending;
    std::array<char, 4096> buffer{};
    while (true) {
        pollfd waited{fd, POLLIN, 0};
        const int ready = ::poll(&waited, 1, static_cast<int>(patience.count() * 1000));
        if (ready == 0) {
            life.blocked = true;
            return;
        }
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got <= 0) return;
        pending.append(buffer.data(), static_cast<std::size_t>(got));
        for (std::size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
            take(life, totals, pending.substr(0, end));
            pending.erase(0, end + 1);
        }
    }
}

Life runOnce(const std::vector<std::string>& arguments, const Resume& resume, Totals& totals, std::chrono::seconds patience) {
    int ends[2];
    check(::pipe2(ends, O_CLOEXEC), "make a pipe");
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    std::vector<std::string> args = {"davit-plugin-check"};
    args.insert(args.end(), arguments.begin(), arguments.end());
    args.insert(args.end(), {"--watched", fmt::format("{}:{}", resume.session, resume.rule)});
    std::vector<std::string> environment;
    for (char** one = environ; *one != nullptr; ++one) environment.emplace_back(*one);
    std::fflush(stdout);
    ChildProcess child = ChildProcess::spawn({.program = std::filesystem::read_symlink("/proc/self/exe"),
                                              .args = std::move(args),
                                              .env = std::move(environment),
                                              .stdout_fd = STDOUT_FILENO,
                                              .inherit = {writer.get()}});
    writer.reset();
    Life life{.session = resume.session, .rule = resume.rule};
    follow(reader.get(), life, totals, patience);
    if (life.blocked) (void)child.signal(SIGKILL);
    life.status = child.wait().value_or(ExitStatus{});
    return life;
}

void report(const Life& life, Totals& totals) {
    fmt::print("  BROKEN  {:<24} {}\n", life.name.empty() ? "open" : life.name, life.what());
    std::fflush(stdout);
    ++totals.broken;
}

}  // namespace

Totals supervise(const std::vector<std::string>& arguments, std::chrono::seconds patience) {
    Totals totals;
    Resume resume;
    int blocked = 0;
    while (true) {
        const Life life = runOnce(arguments, resume, totals, patience);
        if (life.ended) return totals;
        const bool own_refusal = life.session == 0 && !life.blocked && life.status.signal == 0 && life.status.code == kCannotCheck;
        if (own_refusal) throw Error(Code::invalid, "");  // it has said why
        report(life, totals);
        if (life.session == 0) return totals;  // it doesn't even load
        blocked = life.session == resume.session && life.blocked ? blocked + 1 : life.blocked ? 1 : 0;
        const bool next_session = life.rule == 0 || blocked >= kGiveUpAfter;
        if (blocked >= kGiveUpAfter) fmt::print("  given up: it blocked {} rules\n", blocked);
        resume = next_session ? Resume{.session = life.session + 1, .rule = 0} : Resume{.session = life.session, .rule = life.rule};
        if (next_session) blocked = 0;
    }
}

}  // namespace davit::plugin_check
