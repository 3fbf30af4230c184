// Compiles a runtime spec to the launch plan of the static launcher: everything that needs text, tables or libraries is
// decided here, so that only system calls remain between clone and exec.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "driver/storage_driver.hpp"
#include "linux/cgroup.hpp"
#include "linux/seccomp.hpp"
#include "oci/runtime_spec.hpp"
#include "runtime/external_runtime.hpp"
#include "runtime/plan_builder.hpp"
#include "runtime/shim_client.hpp"

namespace davit::runtime {

/// What this host offers to the compiler.
struct PlanHost {
    const linux::CgroupLayout* cgroups = nullptr;
    linux::SeccompCompiler* seccomp = nullptr;
};

struct LaunchInput {
    const oci::RuntimeSpec* spec = nullptr;
    std::string id;
    std::filesystem::path run_dir;
    const std::vector<MountSpec>* root_mounts = nullptr;
    plan::Mode mode = plan::Mode::shim;
    bool open_stdin = false;
    bool stdin_once = false;
    const LogOptions* log = nullptr;
    const std::vector<Attachment>* attachments = nullptr;
    std::string start_fifo;
    std::string console_socket;
    std::string external_runtime;
    const SplitJson* external_config = nullptr;
    const std::vector<std::string>* runtime_args = nullptr;
    std::string hook_state;  ///< for the hooks that run inside: the container's state without its end
};

struct CompiledLaunch {
    std::string block;
    std::shared_ptr<const linux::SeccompFilter> seccomp;  ///< null: none
};

/// Throws Error{invalid} for a spec that makes no sense. Reads nothing but what `host` gives.
[[nodiscard]] CompiledLaunch compileLaunch(const LaunchInput& input, const PlanHost& host);

struct ExecPlanInput {
    const oci::Process* process = nullptr;
    std::string exec_id;
    bool open_stdin = false;
    const Attachment* attachment = nullptr;  ///< null: detached
    std::string_view seccomp;                ///< the container's program, as seccompFile() wrote it
    const SplitJson* external = nullptr;     ///< externalProcess(); null: the built-in launcher's container
};
[[nodiscard]] std::string compileExec(const ExecPlanInput& input);

/// A process for Mode::join.
struct JoinInput {
    const oci::Process* process = nullptr;
    pid_t pid = 0;  ///< the container's first process
    std::uint64_t namespaces = 0;  ///< CLONE_NEW* to join
    std::vector<std::string> cgroups;
    std::string_view seccomp;
    std::string console_socket;
};
[[nodiscard]] std::string compileJoin(const JoinInput& input);

/// A container's compiled filter as the bytes of a file, for the processes that are exec'ed later; empty without a filter.
[[nodiscard]] std::string seccompFile(const linux::SeccompFilter* filter);

// --- the parts, in files of their own ---

/// Directories, limits and device rules (plan_cgroups.cpp).
void compileCgroups(PlanBuilder& builder, const oci::RuntimeSpec& spec, const std::string& id,
                    const linux::CgroupLayout& layout, plan::Launch& launch);
/// What to write for the limits alone.
[[nodiscard]] std::vector<linux::CgroupWrite> limitWrites(const linux::CgroupLayout& layout, const std::string& cgroups_path,
                                                          const oci::Resources& resources);
/// The container's group in a hierarchy.
[[nodiscard]] std::string cgroupDirectory(const linux::CgroupHierarchy& hierarchy, const std::string& cgroups_path);

/// Root, mounts, devices, links, masks (plan_mounts.cpp).
void compileMounts(PlanBuilder& builder, const LaunchInput& input, const linux::CgroupLayout& layout,
                   plan::Launch& launch);

/// Identity, limits, capabilities (plan_process.cpp).
[[nodiscard]] plan::Process compileProcess(PlanBuilder& builder, const oci::Process& process,
                                           std::string_view seccomp_program, std::uint32_t seccomp_flags);

/// "ctrl-p,ctrl-q" as bytes; empty when a part isn't "ctrl-X" or one character. Docker's default for the empty text.
[[nodiscard]] std::string parseDetachKeys(std::string_view keys);

}  // namespace davit::runtime
