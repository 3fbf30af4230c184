#include <fcntl.h>

#include <algorithm>
#include <cstdlib>

#include "base/check.hpp"
#include "base/file.hpp"
#include "runtime/oci_runtime.hpp"

namespace davit::runtime {
namespace {

namespace fs = std::filesystem;

/// The container's group that has this file; empty: none has.
std::string groupWith(const OciState& state, const char* file) {
    const auto found = std::find_if(state.cgroups.begin(), state.cgroups.end(),
                                    [&](const std::string& group) { return fs::exists(group + "/" + file); });
    return found != state.cgroups.end() ? *found : std::string();
}

bool isFrozen(const OciState& state) {
    if (const std::string v2 = groupWith(state, "cgroup.freeze"); !v2.empty())
        return readFile(v2 + "/cgroup.freeze").value_or("").starts_with('1');
    const std::string v1 = groupWith(state, "freezer.state");
    return !v1.empty() && !readFile(v1 + "/freezer.state").value_or("").starts_with("THAWED");
}

}  // namespace

void OciRuntime::freeze(const std::string& id, bool frozen) {
    const OciState current = state(id);
    if (current.status != (frozen ? "running" : "paused"))
        throw Error(Code::conflict, frozen ? "container not running" : "container not paused");
    const std::string v2 = groupWith(current, "cgroup.freeze");
    const std::string v1 = groupWith(current, "freezer.state");
    if (v1.empty() && v2.empty()) throw Error(Code::unimplemented, "this host has no freezer");
    const std::string file = v2.empty() ? v1 + "/freezer.state" : v2 + "/cgroup.freeze";
    const char* value = v2.empty() ? (frozen ? "FROZEN" : "THAWED") : (frozen ? "1" : "0");
    writeAll(openFile(file, O_WRONLY).get(), value);
}

std::string OciRuntime::pausedStatus(const OciState& state) { return isFrozen(state) ? "paused" : "running"; }

std::vector<pid_t> OciRuntime::processes(const std::string& id) const {
    const OciState current = state(id);
    std::vector<pid_t> found;
    if (current.cgroups.empty()) return found;
    const std::string text = readFile(current.cgroups.front() + "/cgroup.procs").value_or("");
    for (std::size_t at = 0; at < text.size(); at = std::min(text.find('\n', at), text.size() - 1) + 1)
        found.push_back(std::atoi(text.c_str() + at));
    return found;
}

std::vector<OciState> OciRuntime::list() const {
    std::vector<OciState> found;
    std::error_code missing;
    for (const auto& entry : fs::directory_iterator(root_, missing)) {
        if (!fs::exists(entry.path() / "state.json")) continue;
        try {
            found.push_back(state(entry.path().filename()));
        } catch (const Error&) {  // it was deleted meanwhile
        }
    }
    std::sort(found.begin(), found.end(), [](const OciState& a, const OciState& b) { return a.id < b.id; });
    return found;
}

}  // namespace davit::runtime
