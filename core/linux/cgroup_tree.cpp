#include "linux/cgroup_tree.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>

#include "base/unique_fd.hpp"

namespace davit::linux {
namespace {

namespace fs = std::filesystem;

void killMembers(const fs::path& group) {
    const UniqueFd kill_file(::open((group / "cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
    if (kill_file && ::write(kill_file.get(), "1", 1) == 1) return;  // v2 since Linux 5.14
    std::ifstream members(group / "cgroup.procs");
    for (pid_t pid = 0; members >> pid;)
        if (pid > 1) (void)::kill(pid, SIGKILL);  // gone already is as good
}

bool removed(const fs::path& group) { return ::rmdir(group.c_str()) == 0 || errno == ENOENT; }

}  // namespace

bool endCgroup(const fs::path& group) {
    if (removed(group)) return true;
    killMembers(group);
    std::error_code failed;
    for (fs::directory_iterator at(group, failed), end; !failed && at != end; at.increment(failed))
        if (at->is_directory(failed) && !at->is_symlink(failed)) (void)endCgroup(at->path());  // seen by the parent's removal
    return removed(group);
}

std::vector<pid_t> cgroupMembers(const fs::path& group) {
    std::vector<pid_t> pids;
    std::ifstream members(group / "cgroup.procs");
    for (pid_t pid = 0; members >> pid;) pids.push_back(pid);
    std::error_code failed;
    for (fs::directory_iterator at(group, failed), end; !failed && at != end; at.increment(failed)) {
        if (!at->is_directory(failed) || at->is_symlink(failed)) continue;
        const std::vector<pid_t> below = cgroupMembers(at->path());
        pids.insert(pids.end(), below.begin(), below.end());
    }
    return pids;
}

}  // namespace davit::linux
