#include "runtime/external_runtime.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/process.hpp"
#include "linux/capability.hpp"
#include "linux/seccomp.hpp"
#include "runtime/resource_validation.hpp"
#include "runtime/spec_builder.hpp"

namespace davit::runtime {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::chrono::seconds kDeleteDeadline{10};
constexpr const char* kRuntimeFile = "runtime";
// What runtimes of Debian 12 still check for; nothing that is written here is newer.
constexpr const char* kVersion = "1.0.2";

std::string findProgram(const std::string& name) {
    if (name.find('/') != std::string::npos) return fs::absolute(name);
    std::string_view path = kPath;
    while (!path.empty()) {
        const std::string candidate = std::string(path.substr(0, path.find(':'))) + "/" + name;
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
        path.remove_prefix(std::min(path.find(':'), path.size() - 1) + 1);
    }
    throw error(Code::invalid, "OCI runtime: exec: \"{}\": executable file not found in $PATH", name);
}

bool mayRaiseLimits() {
    const std::vector<std::string>& own = hostFacts().capabilities;
    return std::find(own.begin(), own.end(), "CAP_SYS_RESOURCE") != own.end();
}

int ownOomScore() { return std::atoi(readFile("/proc/self/oom_score_adj").value_or("0").c_str()); }

/// The built-in launcher takes what it may have; other runtimes fail.
void clampToOwnLimits(oci::Process& process) {
    if (mayRaiseLimits()) return;
    for (oci::Rlimit& limit : process.rlimits) {
        std::string name = limit.type.substr(std::min<std::size_t>(limit.type.size(), 7));
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        struct rlimit own {};
        check(::getrlimit(static_cast<__rlimit_resource_t>(ulimitNumber(name)), &own), "read the limit {}", name);
        limit.hard = std::min<std::uint64_t>(limit.hard, own.rlim_max);
        limit.soft = std::min(limit.soft, limit.hard);
    }
    process.oom_score_adj = std::max(process.oom_score_adj.value_or(0), ownOomScore());
}

void forgetUser(oci::Process& process) {
    process.user.username.clear();
    process.user.group_names.clear();
    process.user.additional_gids.clear();
    process.user.uid = process.user.gid = 0;
}

SplitJson splitAtUser(const std::string& text) {
    constexpr std::string_view kUser = R"("user":{"uid":0,"gid":0)";
    const std::size_t at = text.find(kUser);  // the first: nothing that a user names comes before
    if (at == std::string::npos) throw Error(Code::system, "config.json without a user");
    return {text.substr(0, at + std::string_view(R"("user":{)").size()), text.substr(at + kUser.size())};
}

void convertSeccomp(oci::RuntimeSpec& spec) {
    if (!spec.os.seccomp || spec.os.seccomp->profile.empty()) return;
    const std::vector<std::string> none;
    const auto& bounding = spec.process.capabilities ? spec.process.capabilities->bounding : none;
    const std::string section = linux::seccompSection(spec.os.seccomp->profile, bounding);
    const std::string holder = fmt::format(R"({{"ociVersion":"{}","linux":{{"seccomp":{}}}}})", kVersion, section);
    spec.os.seccomp = oci::parseRuntimeSpec(holder).os.seccomp;
}

/// A mount of another namespace, another container's or the daemon's, can't be bound by a runtime in a namespace of its own: the shim clones it to a
/// place in the bundle. Returns those mounts, with host paths as targets.
std::vector<oci::Mount> localizeMounts(oci::RuntimeSpec& spec, const fs::path& run_dir) {
    std::vector<oci::Mount> foreign;
    for (oci::Mount& mount : spec.mounts) {
        const bool of_process = mount.source.find("/root/") != std::string::npos || mount.source.find("/fd/") != std::string::npos;
        if (!mount.source.starts_with("/proc/") || !of_process) continue;
        const std::string place = run_dir / fmt::format("bind-{}", foreign.size());
        foreign.push_back({.destination = place, .type = "bind", .source = mount.source, .options = {"rbind", "rprivate"}});
        mount.source = place;
    }
    return foreign;
}

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> found;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        found.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return found;
}

void writeRuntimeFile(const StartRequest& request, const std::string& program) {
    std::string text = program + "\n" + request.id + "\n";
    for (const std::string& option : request.runtime_args) {
        if (option.find('\n') != std::string::npos) throw Error(Code::invalid, "an option of the OCI runtime contains a newline");
        text += option + "\n";
    }
    writeFileAtomically(request.run_dir / kRuntimeFile, text);
}

}  // namespace

ExternalLaunch prepareExternal(const StartRequest& request) {
    ExternalLaunch launch;
    launch.program = findProgram(request.external_runtime);
    writeRuntimeFile(request, launch.program);
    oci::RuntimeSpec config = request.spec;
    // runc refuses a root that is reached through links.
    const fs::path run_dir = fs::canonical(request.run_dir);
    if (!request.root_mounts.empty()) config.root.path = run_dir / "rootfs";
    config.oci_version = kVersion;
    convertSeccomp(config);
    clampToOwnLimits(config.process);
    launch.spec.mounts = localizeMounts(config, run_dir);
    forgetUser(config.process);
    launch.config = splitAtUser(oci::writeRuntimeSpec(config));
    // The rest is the runtime's business.
    launch.spec.root = {.path = config.root.path};
    launch.spec.process.terminal = request.spec.process.terminal;
    launch.spec.process.console_size = request.spec.process.console_size;
    launch.spec.process.user = request.spec.process.user;
    launch.spec.os.namespaces = request.spec.os.namespaces;
    launch.spec.os.cgroups_path = request.spec.os.cgroups_path;
    launch.spec.os.rootfs_propagation = request.spec.os.rootfs_propagation;
    return launch;
}

bool startedByExternal(const fs::path& run_dir) { return fs::exists(run_dir / kRuntimeFile); }

SplitJson externalProcess(oci::Process process) {
    clampToOwnLimits(process);
    forgetUser(process);
    return splitAtUser(oci::writeProcess(process));
}

namespace {

/// libc's text of an errno at the end, as Go writes it: clients look for "no such file or directory".
std::string withGoCause(std::string text) {
    const std::size_t colon = text.rfind(": ");
    if (colon == std::string::npos || colon + 3 >= text.size()) return text;
    const auto second = static_cast<unsigned char>(text[colon + 3]);
    char& first = text[colon + 2];
    if (std::islower(second) != 0) first = static_cast<char>(std::tolower(static_cast<unsigned char>(first)));
    return text;
}

}  // namespace

std::string takeExternalError(const fs::path& log, const std::string& fallback) {
    std::string last = fallback;
    for (const std::string& line : lines(readFile(log).value_or(""))) {
        try {
            const json::Document entry = json::Document::parse(line);
            const std::string level = entry.root()["level"].string();
            if (level == "error" || level == "fatal") last = entry.root()["msg"].string(last);
        } catch (const Error&) {  // another format, or a line cut off
        }
    }
    std::error_code ignored;
    fs::remove(log, ignored);
    return withGoCause(last);
}

int exitCodeOfText(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto has = [&](const char* part) { return lower.find(part) != std::string::npos; };
    if (has("executable file not found") || has("no such file or directory")) return 127;
    if (has("open executable: operation not permitted")) return 126;  // crun, of a directory
    if (has("permission denied") || has("is a directory")) return 126;
    if (has("not a directory")) return 127;
    return 128;
}

void deleteExternal(const fs::path& run_dir) {
    const std::vector<std::string> words = lines(readFile(run_dir / kRuntimeFile).value_or(""));
    if (words.size() < 2) return;
    try {
        std::vector<std::string> args{words[0]};
        args.insert(args.end(), words.begin() + 2, words.end());
        args.insert(args.end(), {"--root", run_dir / "state", "delete", "--force", words[1]});
        const UniqueFd null_device = openFile("/dev/null", O_RDWR);
        auto command = ChildProcess::spawn({.program = words[0],
                                            .args = args,
                                            .env = {std::string("PATH=") + kPath},
                                            .stderr_fd = null_device.get(),
                                            .inherit = {}});
        (void)command.wait(kDeleteDeadline);
    } catch (const Error&) {  // the runtime is gone: the control groups' removal ends the processes
    }
    std::error_code ignored;
    fs::remove_all(run_dir / "state", ignored);
    for (const auto& entry : fs::directory_iterator(run_dir, ignored)) {
        const std::string name = entry.path().filename();
        const bool ours = name.starts_with("exec-") || name.starts_with("console") || name.starts_with("bind-") ||
                          name.ends_with(".log") || name == "config.json" || name == "init.pid";
        if (ours) fs::remove(entry.path(), ignored);
    }
    fs::remove(run_dir / kRuntimeFile, ignored);
}

}  // namespace davit::runtime
