#include "engine/host_info.hpp"

#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.hpp"
#include "base/file.hpp"
#include "runtime/spec_builder.hpp"

namespace davit::engine {
namespace {

std::string fileText(const std::filesystem::path& path) {
    try {
        return readFile(path).value_or("");
    } catch (const Error&) {  // what can't be read isn't shown
        return {};
    }
}

/// The value of `name` in os-release, without its quotes.
std::string osRelease(const std::string& text, const std::string& name) {
    std::size_t at = text.starts_with(name + "=") ? 0 : text.find("\n" + name + "=");
    if (at == std::string::npos) return {};
    at = text.find('=', at) + 1;
    std::string value = text.substr(at, text.find('\n', at) - at);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    return value;
}

int entriesOf(const char* directory) {
    std::error_code failed;
    int count = 0;
    for (auto entry = std::filesystem::directory_iterator(directory, failed); entry != std::filesystem::directory_iterator();
         entry.increment(failed)) {
        if (failed) break;
        ++count;
    }
    return count;
}

/// Whether some mounted v1 hierarchy of `controller`, or the unified one, has `file` for groups below the root.
bool controllerHas(const char* controller, const char* file) {
    std::error_code ignored;
    const std::filesystem::path base = "/sys/fs/cgroup";
    return std::filesystem::exists(base / controller / file, ignored);
}

bool controllerListed(const std::string& controllers, const std::string& name) {
    return (" " + controllers).find(" " + name) != std::string::npos;
}

}  // namespace

std::string kernelVersion() {
    utsname names{};
    (void)::uname(&names);  // can't fail with a valid buffer
    return names.release;
}

std::string bootId() {
    std::string id = fileText("/proc/sys/kernel/random/boot_id");
    while (!id.empty() && id.back() == '\n') id.pop_back();
    return id;
}

void describeHost(SystemInfo& info) {
    utsname names{};
    (void)::uname(&names);
    info.kernel_version = names.release;
    info.architecture = names.machine;
    info.name = names.nodename;
    std::string release = fileText("/etc/os-release");
    if (release.empty()) release = fileText("/usr/lib/os-release");
    info.operating_system = osRelease(release, "PRETTY_NAME");
    info.os_version = osRelease(release, "VERSION_ID");
    struct sysinfo memory {};
    if (::sysinfo(&memory) == 0) info.mem_total = static_cast<std::int64_t>(memory.totalram) * memory.mem_unit;
    info.ncpu = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
    info.ipv4_forwarding = fileText("/proc/sys/net/ipv4/ip_forward").starts_with('1');
    info.n_fd = entriesOf("/proc/self/fd");
    info.n_goroutines = entriesOf("/proc/self/task");
    info.system_time = now();
}

void describeCgroups(SystemInfo& info) {
    if (runtime::hostFacts().cgroup_v2) {
        const std::string controllers = fileText("/sys/fs/cgroup/cgroup.controllers");
        info.cgroup_version = "2";
        info.memory_limit = info.swap_limit = controllerListed(controllers, "memory");
        info.cpu_shares = info.cpu_cfs_period = info.cpu_cfs_quota = controllerListed(controllers, "cpu");
        info.cpu_set = controllerListed(controllers, "cpuset");
        info.pids_limit = controllerListed(controllers, "pids");
    } else {
        info.cgroup_version = "1";
        info.memory_limit = controllerHas("memory", "memory.limit_in_bytes");
        info.swap_limit = controllerHas("memory", "memory.memsw.limit_in_bytes");
        info.oom_kill_disable = controllerHas("memory", "memory.oom_control");
        info.cpu_shares = controllerHas("cpu", "cpu.shares");
        info.cpu_cfs_period = info.cpu_cfs_quota = controllerHas("cpu", "cpu.cfs_quota_us");
        info.cpu_set = controllerHas("cpuset", "cpuset.cpus");
        info.pids_limit = std::filesystem::exists("/sys/fs/cgroup/pids");
    }
    if (!info.memory_limit) info.warnings.emplace_back("WARNING: No memory limit support");
    if (!info.swap_limit) info.warnings.emplace_back("WARNING: No swap limit support");
    if (!info.cpu_cfs_quota) info.warnings.emplace_back("WARNING: No cpu cfs quota support");
    if (!info.cpu_shares) info.warnings.emplace_back("WARNING: No cpu shares support");
    if (!info.cpu_set) info.warnings.emplace_back("WARNING: No cpuset support");
    if (!info.pids_limit) info.warnings.emplace_back("WARNING: No pids limit support");
    if (!info.ipv4_forwarding) info.warnings.emplace_back("WARNING: IPv4 forwarding is disabled");
}

}  // namespace davit::engine
