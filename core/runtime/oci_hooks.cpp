#include "runtime/oci_hooks.hpp"

#include "base/check.hpp"
#include "base/process.hpp"
#include "linux/memfd.hpp"

namespace davit::runtime {

void runHooks(const std::vector<oci::Hook>& hooks, std::string_view state) {
    for (const oci::Hook& hook : hooks) {
        const UniqueFd input = linux::sealedMemory("davit-state", state);
        auto child = ChildProcess::spawn({.program = hook.path,
                                          .args = hook.args.empty() ? std::vector<std::string>{hook.path} : hook.args,
                                          .env = hook.env,
                                          .stdin_fd = input.get(),
                                          .inherit = {}});
        std::optional<std::chrono::milliseconds> limit;
        if (hook.timeout && *hook.timeout > 0) limit = std::chrono::seconds(*hook.timeout);
        const std::optional<ExitStatus> status = child.wait(limit);
        if (!status) throw error(Code::deadline, "hook {} took longer than {} s", hook.path, *hook.timeout);
        if (status->dockerCode() != 0) throw error(Code::system, "hook {} failed: exit status {}", hook.path, status->dockerCode());
    }
}

}  // namespace davit::runtime
