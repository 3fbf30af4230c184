#include "mounter.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/process.hpp"
#include "davit/context.hpp"

namespace davit::local {
namespace fs = std::filesystem;
namespace {

using std::chrono::milliseconds;

constexpr const char* kProgram = "davit-volume-mount";
constexpr milliseconds kMountLimit{60'000};
constexpr milliseconds kKillPatience{2'000};
constexpr std::uint64_t kMountRoot = 0x2000;  // STATX_ATTR_MOUNT_ROOT, Linux 5.8

// Beside this code, in the build tree, or where it is installed.
fs::path findProgram() {
    Dl_info own{};
    if (::dladdr(reinterpret_cast<const void*>(&findProgram), &own) == 0) throw Error(Code::system, "find the driver's own file");
    const fs::path directory = fs::absolute(own.dli_fname).parent_path();
    for (const char* place : {".", "../bin", "../../../libexec/davit"})
        if (fs::exists(directory / place / kProgram)) return fs::canonical(directory / place / kProgram);
    throw error(Code::system, "{} isn't installed: it belongs to the driver in {}", kProgram, directory.native());
}

milliseconds timeLeft(milliseconds limit) {
    const std::optional<std::int64_t> left = CurrentCall::remainingMs();
    return left ? std::min(limit, milliseconds(*left)) : limit;
}

std::string readAll(int fd) {
    std::string text;
    std::array<char, 1024> buffer{};
    for (ssize_t got = 0; text.size() < 4096 && (got = ::read(fd, buffer.data(), buffer.size())) > 0;) text.append(buffer.data(), static_cast<std::size_t>(got));
    text.erase(text.find_last_not_of(" \n") + 1);
    return text;
}

}  // namespace

std::string runWithin(const std::string& program, std::vector<std::string> args, milliseconds limit, const std::string& doing) {
    int ends[2];
    check(::pipe2(ends, O_CLOEXEC), "make a pipe");
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    check(::fcntl(reader.get(), F_SETFL, O_NONBLOCK), "set a pipe's flags");  // a grandchild may hold the other end
    ChildProcess child = ChildProcess::spawn({.program = program,
                                              .args = std::move(args),
                                              .env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"},
                                              .stdout_fd = writer.get(),
                                              .stderr_fd = writer.get(),
                                              .inherit = {}});
    writer.reset();
    const milliseconds left = timeLeft(limit);
    const std::optional<ExitStatus> status = child.wait(left);
    if (!status) {
        (void)child.signal(SIGKILL);
        // One that the kernel holds on to can't be waited for: it ends when that lets go.
        if (!child.wait(kKillPatience)) child.release();
        throw error(Code::deadline, "{}: not done within {} s", doing, std::chrono::duration_cast<std::chrono::seconds>(left).count());
    }
    if (status->code == 0 && status->signal == 0) return {};
    const std::string text = readAll(reader.get());
    return text.empty() ? fmt::format("exit status {}", status->dockerCode()) : text;
}

Mounter::Mounter() : program_(findProgram()) {}

void Mounter::run(std::vector<std::string> args, const std::string& doing) const {
    args.insert(args.begin(), kProgram);
    const std::string failure = runWithin(program_, std::move(args), kMountLimit, doing);
    if (!failure.empty()) throw error(Code::system, "{}: {}", doing, failure);
}

void Mounter::mount(const MountOptions& options, const fs::path& target) const {
    std::string doing = fmt::format("failed to mount local volume: mount {}:{}", options.device, target.string());
    if (!options.words.empty()) doing += ", data: " + options.words;
    run({"mount", options.type, options.device, target, options.words}, doing);
}

void Mounter::mountImage(const fs::path& image, const fs::path& target) const {
    run({"loop", "ext4", image, target, ""}, fmt::format("mount {} on {}", image.string(), target.string()));
}

void Mounter::unmount(const fs::path& target) const { run({"unmount", target}, fmt::format("unmount {}", target.string())); }

bool Mounter::isMounted(const fs::path& target) {
    struct statx info {};
    const long result = ::syscall(SYS_statx, AT_FDCWD, target.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, 0U, &info);
    return result == 0 && (info.stx_attributes & kMountRoot) != 0;
}

}  // namespace davit::local
