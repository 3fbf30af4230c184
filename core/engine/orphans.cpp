#include "engine/orphans.hpp"

#include <csignal>
#include <thread>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "linux/cgroup.hpp"
#include "linux/cgroup_tree.hpp"

namespace davit::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kIdLength = 64;
constexpr std::chrono::seconds kEndTimeout{2};

bool isId(const std::string& name) {
    return name.size() == kIdLength && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// The directories in `parent` whose name is the id of a container that isn't known.
std::vector<fs::path> unknownIn(const ContainerTable& table, const fs::path& parent) {
    std::vector<fs::path> found;
    std::error_code failed;
    for (fs::directory_iterator at(parent, failed), end; !failed && at != end; at.increment(failed)) {
        const std::string name = at->path().filename();
        if (isId(name) && !table.find(name)) found.push_back(at->path());
    }
    return found;
}

void endGroup(const fs::path& cgroup) {
    log::warning("removing the control group {}, which belongs to no container", cgroup.string());
    const auto deadline = std::chrono::steady_clock::now() + kEndTimeout;
    while (!linux::endCgroup(cgroup)) {
        if (std::chrono::steady_clock::now() > deadline)
            return log::error("control group {} can't be removed", cgroup.string());
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

/// A shim that serves a container nobody knows.
void endShim(EngineCore& core, const fs::path& run_dir) {
    log::warning("ending the container in {}, which has no record", run_dir.string());
    if (const auto shim = runtime::Shim::reconnect(core.monitor, run_dir, {})) {
        try {
            shim->kill(SIGKILL);
        } catch (const Error& failure) {  // it has ended, or cleanUp() ends it
            log::debug("{}: {}", run_dir.string(), failure.text());
        }
    }
    runtime::Shim::cleanUp(run_dir);
    removeTree(run_dir);
}

}  // namespace

void endOrphans(EngineCore& core) {
    for (const fs::path& run_dir : unknownIn(core.table, core.runDir("x").parent_path())) {
        try {
            endShim(core, run_dir);
        } catch (const Error& failure) {
            log::error("{}: {}", run_dir.string(), failure.text());
        }
    }
    for (const linux::CgroupHierarchy& hierarchy : linux::hostCgroupLayout().hierarchies)
        for (const fs::path& group : unknownIn(core.table, fs::path(hierarchy.mount_point) / core.options()->cgroup_parent))
            endGroup(group);
}

void removeOrphanFiles(EngineCore& core) {
    if (core.parts.database.quarantined()) return;
    for (const fs::path& directory : unknownIn(core.table, core.containerDir("x").parent_path())) {
        try {
            removeTree(directory);
        } catch (const Error& failure) {
            log::error("{}: {}", directory.string(), failure.text());
        }
    }
}

}  // namespace davit::engine
