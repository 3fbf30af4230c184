#include <linux/magic.h>
#include <sys/statfs.h>

#include <algorithm>
#include <sstream>
#include <unordered_set>

#include "base/check.hpp"
#include "base/file.hpp"
#include "runtime/spec_parts.hpp"

namespace davit::runtime {
namespace {

Strings words(std::string_view text) {
    Strings result;
    while (!text.empty()) {
        const auto end = text.find(',');
        if (end != 0) result.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return result;
}

std::vector<oci::Mount> shmAndMqueue(const SpecInput& input) {
    const HostConfig& host = *input.host_config;
    const std::string shm_size = "size=" + std::to_string(host.shm_size);
    const Strings safe = {"nosuid", "noexec", "nodev"};
    const oci::Mount mqueue{.destination = "/dev/mqueue", .type = "mqueue", .source = "mqueue", .options = safe};
    const auto bind = [](std::string target, std::string source) {
        return oci::Mount{
            .destination = std::move(target), .type = "bind", .source = std::move(source), .options = {"rbind", "rprivate"}};
    };
    if (host.ipc_mode == "none") return {mqueue};
    // In the host's ipc namespace a new mqueue shows the host's queues, also where the host itself hasn't mounted one.
    if (host.ipc_mode == "host") return {mqueue, bind("/dev/shm", "/dev/shm")};
    if (!input.shm_path.empty()) return {mqueue, bind("/dev/shm", input.shm_path)};
    return {mqueue,
            {.destination = "/dev/shm",
             .type = "tmpfs",
             .source = "shm",
             .options = {"nosuid", "noexec", "nodev", "mode=1777", shm_size}}};
}

// The engine's own mounts, as Docker's default posture has them.
std::vector<oci::Mount> defaultMounts(const SpecInput& input, const SecurityOptions& security) {
    const std::string access = input.host_config->privileged ? "rw" : "ro";
    const std::string cgroup_access = input.host_config->privileged || security.writable_cgroups ? "rw" : "ro";
    std::vector<oci::Mount> mounts = {
        {.destination = "/proc", .type = "proc", .source = "proc", .options = {"nosuid", "noexec", "nodev"}},
        {.destination = "/dev",
         .type = "tmpfs",
         .source = "tmpfs",
         .options = {"nosuid", "strictatime", "mode=755", "size=65536k"}},
        {.destination = "/dev/pts",
         .type = "devpts",
         .source = "devpts",
         .options = {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
        {.destination = "/sys", .type = "sysfs", .source = "sysfs", .options = {"nosuid", "noexec", "nodev", access}},
        {.destination = "/sys/fs/cgroup",
         .type = "cgroup",
         .source = "cgroup",
         .options = {cgroup_access, "nosuid", "noexec", "nodev"}}};
    for (oci::Mount& mount : shmAndMqueue(input)) mounts.push_back(std::move(mount));
    return mounts;
}

// SEC-05: nothing of the user's lies on procfs but a few files that emulators replace (the list of runc) and another procfs.
void refuseInsideProc(const MountPoint& point) {
    static const std::unordered_set<std::string_view> kReplaceable = {
        "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo",  "/proc/stat",    "/proc/swaps",
        "/proc/uptime",  "/proc/loadavg",   "/proc/slabinfo", "/proc/net/dev", "/proc/sys/kernel/ns_last_pid",
        "/proc/sys/crypto/fips_enabled"};
    const std::string& target = point.destination;
    if ((target != "/proc" && !target.starts_with("/proc/")) || kReplaceable.contains(target)) return;
    struct statfs info {};
    const bool is_procfs = target == "/proc" && ::statfs(point.source.c_str(), &info) == 0 &&
                           info.f_type == static_cast<decltype(info.f_type)>(PROC_SUPER_MAGIC);
    if (is_procfs) return;
    throw error(Code::invalid, "\"{}\" cannot be mounted because it is inside /proc", target);
}

// "shared:N" and "master:N" of the mount that `path` lies on (proc(5), mountinfo).
std::string propagationTags(const std::string& path, std::string& mounted_on) {
    std::istringstream lines(readFile("/proc/self/mountinfo", 64U << 20).value_or(""));
    std::string tags;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string skip;
        std::string target;
        std::string mount_options;
        fields >> skip >> skip >> skip >> skip >> target >> mount_options;
        const bool holds = target == "/" || path == target || path.starts_with(target + "/");
        if (!holds || target.size() < mounted_on.size()) continue;
        mounted_on = target;
        tags.clear();
        for (std::string tag; fields >> tag && tag != "-";) tags += tag + " ";
    }
    return tags;
}

// A propagation that the source's own mount doesn't have would silently do nothing: Docker refuses it.
void applyPropagation(oci::RuntimeSpec& spec, const MountPoint& point) {
    const std::string& word = point.propagation;
    const bool shared = word == "shared" || word == "rshared";
    const bool slave = word == "slave" || word == "rslave";
    if (!shared && !slave) return;
    std::string mounted_on;
    const std::string tags = propagationTags(point.source, mounted_on);
    const bool is_shared = tags.find("shared:") != std::string::npos;
    if (shared && !is_shared)
        throw error(Code::invalid, "path {} is mounted on {} but it is not a shared mount.", point.source, mounted_on);
    if (slave && !is_shared && tags.find("master:") == std::string::npos)
        throw error(Code::invalid, "path {} is mounted on {} but it is not a shared or slave mount.", point.source,
                    mounted_on);
    std::string& root = spec.os.rootfs_propagation;
    if (shared) root = "shared";
    if (slave && root.empty()) root = "rslave";
}

Strings bindOptions(const MountPoint& point, const HostFacts& facts) {
    Strings options = {point.recursive ? "rbind" : "bind"};
    options.push_back(point.rw ? "rw" : "ro");
    options.push_back(point.propagation.empty() ? "rprivate" : point.propagation);
    const bool wants_recursive = !point.rw && point.recursive && point.read_only_recursive;
    const bool can = std::pair(facts.kernel_major, facts.kernel_minor) >= std::pair(5U, 12U);  // mount_setattr(2)
    if (point.force_recursive_ro && !can)
        throw error(Code::invalid, "recursive read-only mount is not supported by this kernel: needs Linux 5.12");
    if (wants_recursive && can) options.emplace_back("rro");
    return options;
}

// Docker's defaults first; a later word such as "exec" undoes an earlier "noexec".
Strings tmpfsOptions(const MountPoint& point) {
    static const std::unordered_set<std::string_view> kFlags = {
        "defaults", "ro",      "rw",         "suid",    "nosuid",     "dev",       "nodev",      "exec",     "noexec",
        "sync",     "async",   "dirsync",    "remount", "mand",       "nomand",    "atime",      "noatime",  "diratime",
        "nodiratime", "bind",  "rbind",      "unbindable", "runbindable", "private", "rprivate", "shared",   "rshared",
        "slave",    "rslave",  "relatime",   "norelatime", "strictatime", "nostrictatime"};
    static const std::unordered_set<std::string_view> kValues = {"mode",      "uid",       "gid", "nr_inodes",
                                                                 "nr_blocks", "size",      "mpol"};
    Strings options = {"noexec", "nosuid", "nodev"};
    for (const std::string& word : words(point.tmpfs_options)) {
        const auto equals = word.find('=');
        const bool known = equals == std::string::npos ? kFlags.contains(word) : kValues.contains(word.substr(0, equals));
        if (!known) throw error(Code::invalid, "invalid tmpfs option [\"{}\"]", word);
        if (word == "defaults") continue;
        const std::string opposite = word.starts_with("no") ? word.substr(2) : "no" + word;
        std::erase(options, opposite);
        std::erase(options, word);
        options.push_back(word);
    }
    return options;
}

oci::Mount userMount(const MountPoint& point, const HostFacts& facts) {
    if (point.type == MountType::tmpfs)
        return {.destination = point.destination, .type = "tmpfs", .source = "tmpfs", .options = tmpfsOptions(point)};
    return {.destination = point.destination, .type = "bind", .source = point.source, .options = bindOptions(point, facts)};
}

std::size_t depth(const oci::Mount& mount) {
    return static_cast<std::size_t>(std::count(mount.destination.begin(), mount.destination.end(), '/'));
}

std::vector<oci::Mount> etcMounts(const SpecInput& input) {
    std::vector<oci::Mount> mounts;
    const std::string access = input.host_config->readonly_rootfs ? "ro" : "rw";
    const auto add = [&](const char* target, const std::string& source) {
        if (source.empty()) return;
        mounts.push_back({.destination = target, .type = "bind", .source = source, .options = {"rbind", access, "rprivate"}});
    };
    add("/etc/resolv.conf", input.etc_resolv_conf);
    add("/etc/hostname", input.etc_hostname);
    add("/etc/hosts", input.etc_hosts);
    return mounts;
}

}  // namespace

void buildMounts(oci::RuntimeSpec& spec, const SpecInput& input, const SecurityOptions& security) {
    std::vector<oci::Mount> users = std::exchange(spec.mounts, {});  // what other parts asked for, such as the init
    std::unordered_set<std::string> targets;
    for (const MountPoint& point : input.mounts) {
        refuseInsideProc(point);
        applyPropagation(spec, point);
        targets.insert(point.destination);
        users.push_back(userMount(point, input.facts));
    }
    // A user's mount replaces the engine's on the same place; a whole /dev of the user's is left as it is.
    const auto replaced = [&](const oci::Mount& mount) {
        return targets.contains(mount.destination) || (targets.contains("/dev") && mount.destination.starts_with("/dev/"));
    };
    for (oci::Mount& mount : defaultMounts(input, security))
        if (!replaced(mount)) spec.mounts.push_back(std::move(mount));
    for (oci::Mount& mount : etcMounts(input))
        if (!replaced(mount)) users.push_back(std::move(mount));
    // Outer ones first, so that none covers another.
    std::stable_sort(users.begin(), users.end(),
                     [](const oci::Mount& a, const oci::Mount& b) { return depth(a) < depth(b); });
    for (oci::Mount& mount : users) spec.mounts.push_back(std::move(mount));
}

}  // namespace davit::runtime
