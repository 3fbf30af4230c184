#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/process.hpp"
#include "engine/announce.hpp"
#include "engine/core.hpp"
#include "linux/cgroup.hpp"
#include "linux/cgroup_tree.hpp"
#include "runtime/plan_compiler.hpp"
#include "runtime/spec_builder.hpp"

namespace davit::engine {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kMaxArguments = 1024;

std::vector<std::string> fields(const std::string& line) {
    std::istringstream words(line);
    std::vector<std::string> found;
    for (std::string word; words >> word;) found.push_back(word);
    return found;
}

/// Docker's check: a column may be renamed, but none may be called PID that isn't.
void checkArguments(const std::string& arguments) {
    static const std::regex renamed(R"(\s+([^\s]*)=\s*(PID[^\s]*))");
    if (arguments.size() > kMaxArguments) throw Error(Code::invalid, "too many arguments of ps");
    const std::string spaced = " " + arguments;
    for (std::sregex_iterator at(spaced.begin(), spaced.end(), renamed), end; at != end; ++at)
        if ((*at)[1] != "pid") throw error(Code::invalid, "specifying \"{}={}\" is not allowed", (*at)[1].str(), (*at)[2].str());
}

UniqueFd memoryFile() { return UniqueFd(check(::memfd_create("ps", MFD_CLOEXEC), "create a memory file")); }

std::string contents(const UniqueFd& file) { return readFile(fmt::format("/proc/self/fd/{}", file.get())).value_or(""); }

std::string runPs(const std::string& arguments) {
    SpawnOptions options;
    options.program = ::access("/usr/bin/ps", X_OK) == 0 ? "/usr/bin/ps" : "/bin/ps";
    options.args = fields("ps " + (arguments.empty() ? "-ef" : arguments));
    options.env = {"LC_ALL=C", "COLUMNS=4096"};
    const UniqueFd output = memoryFile();
    const UniqueFd errors = memoryFile();
    options.stdout_fd = output.get();
    options.stderr_fd = errors.get();
    ChildProcess process = ChildProcess::spawn(options);
    const std::optional<ExitStatus> status = process.wait(kPatience);
    if (!status) throw Error(Code::deadline, "Error running ps: it doesn't end");
    if (status->dockerCode() != 0)
        throw error(Code::system, "Error running ps: exit status {}: {}", status->dockerCode(), json::quote(contents(errors)));
    return contents(output);
}

/// The last column may hold blanks: what is left of the line belongs to it.
ProcessTable parse(const std::string& text, const std::set<std::string>& pids) {
    std::istringstream lines(text);
    std::string line;
    std::getline(lines, line);
    ProcessTable table;
    table.titles = fields(line);
    const auto pid = std::find(table.titles.begin(), table.titles.end(), "PID");
    if (pid == table.titles.end()) throw Error(Code::system, "Couldn't find PID field in ps output");
    const auto column = static_cast<std::size_t>(pid - table.titles.begin());
    while (std::getline(lines, line)) {
        std::vector<std::string> row = fields(line);
        if (row.size() <= column || !pids.contains(row[column])) continue;
        for (; row.size() > table.titles.size(); row.pop_back()) row[row.size() - 2] += " " + row.back();
        table.processes.push_back(std::move(row));
    }
    return table;
}

}  // namespace

ProcessTable ContainerService::top(const std::string& ref, const std::string& ps_arguments) const {
    checkArguments(ps_arguments);
    const Container container = core_.table.resolve(ref)->snapshot();
    if (container.state.status == Status::restarting)
        throw error(Code::conflict, "Container {} is restarting, wait until the container is running", container.id);
    if (!container.state.running()) throw error(Code::conflict, "Container {} is not running", container.id);
    const linux::CgroupLayout& layout = linux::hostCgroupLayout();
    if (layout.hierarchies.empty()) throw Error(Code::unimplemented, "this host has no control groups to find processes by");
    std::set<std::string> pids;
    for (const pid_t pid : linux::cgroupMembers(runtime::cgroupDirectory(
             layout.hierarchies.front(), runtime::cgroupPath(container.id, *container.host_config, core_.options()->cgroup_parent))))
        pids.insert(std::to_string(pid));
    ProcessTable table = parse(runPs(ps_arguments), pids);
    announce(core_.event_log, container, "top");
    return table;
}

}  // namespace davit::engine
