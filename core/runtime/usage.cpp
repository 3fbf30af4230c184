#include "runtime/usage.hpp"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <charconv>
#include <sstream>

#include "base/error.hpp"
#include "base/file.hpp"
#include "runtime/plan_compiler.hpp"

namespace davit::runtime {
namespace {

using linux::CgroupHierarchy;
using linux::CgroupLayout;

constexpr std::uint64_t kNanosecondsPerMicrosecond = 1000;

std::uint64_t nanosecondsPerTick() { return 1'000'000'000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)); }

std::uint64_t hostMemory() {
    struct sysinfo info {};
    return ::sysinfo(&info) == 0 ? std::uint64_t{info.totalram} * info.mem_unit : 0;
}

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    (void)std::from_chars(text.data(), text.data() + text.size(), value);  // 0 for what is none
    return value;
}

/// The files of one container in one hierarchy.
class Group {
  public:
    Group(const CgroupLayout& layout, std::string_view controller, const std::string& path) {
        const CgroupHierarchy* hierarchy = layout.find(controller);
        if (hierarchy == nullptr && layout.unified && !layout.hierarchies.empty()) hierarchy = &layout.hierarchies.front();
        if (hierarchy != nullptr) directory_ = cgroupDirectory(*hierarchy, path);
    }
    [[nodiscard]] std::string text(const char* file) const {
        if (directory_.empty()) return {};
        try {
            return readFile(directory_ + "/" + file).value_or("");
        } catch (const Error&) {  // the group goes while it is read
            return {};
        }
    }
    [[nodiscard]] std::uint64_t value(const char* file) const { return number(text(file)); }
    /// "name value" lines.
    [[nodiscard]] std::map<std::string, std::uint64_t> values(const char* file) const {
        std::map<std::string, std::uint64_t> found;
        std::istringstream lines(text(file));
        std::string name;
        for (std::uint64_t one = 0; lines >> name >> one;) found[name] = one;
        return found;
    }

  private:
    std::string directory_;
};

std::optional<std::uint64_t> limitOf(const std::string& text) {
    if (text.empty() || text.starts_with("max")) return std::nullopt;
    return number(text);
}

CpuUsage cpuV1(const CgroupLayout& layout, const std::string& path) {
    const Group accounting(layout, "cpuacct", path);
    CpuUsage cpu;
    cpu.total = accounting.value("cpuacct.usage");
    std::istringstream each(accounting.text("cpuacct.usage_percpu"));
    for (std::uint64_t one = 0; each >> one;) cpu.per_cpu.push_back(one);
    auto ticks = accounting.values("cpuacct.stat");
    cpu.user = ticks["user"] * nanosecondsPerTick();
    cpu.kernel = ticks["system"] * nanosecondsPerTick();
    auto throttling = Group(layout, "cpu", path).values("cpu.stat");
    cpu.periods = throttling["nr_periods"];
    cpu.throttled_periods = throttling["nr_throttled"];
    cpu.throttled_time = throttling["throttled_time"];
    return cpu;
}

CpuUsage cpuV2(const CgroupLayout& layout, const std::string& path) {
    auto values = Group(layout, "cpu", path).values("cpu.stat");
    return {.total = values["usage_usec"] * kNanosecondsPerMicrosecond,
            .per_cpu = {},
            .user = values["user_usec"] * kNanosecondsPerMicrosecond,
            .kernel = values["system_usec"] * kNanosecondsPerMicrosecond,
            .periods = values["nr_periods"],
            .throttled_periods = values["nr_throttled"],
            .throttled_time = values["throttled_usec"] * kNanosecondsPerMicrosecond};
}

MemoryUsage memoryV1(const CgroupLayout& layout, const std::string& path) {
    const Group group(layout, "memory", path);
    return {.usage = group.value("memory.usage_in_bytes"),
            .max_usage = group.value("memory.max_usage_in_bytes"),
            .failures = group.value("memory.failcnt"),
            .limit = group.value("memory.limit_in_bytes"),
            .details = group.values("memory.stat")};
}

MemoryUsage memoryV2(const CgroupLayout& layout, const std::string& path) {
    const Group group(layout, "memory", path);
    return {.usage = group.value("memory.current"),
            .max_usage = std::nullopt,
            .failures = group.values("memory.events")["oom"],
            .limit = limitOf(group.text("memory.max")).value_or(0),
            .details = group.values("memory.stat")};
}

/// "8:0 Read 4096" lines; the total's line has no device.
std::vector<BlockIo> ioV1(const Group& group, const char* file) {
    std::vector<BlockIo> found;
    std::istringstream lines(group.text(file));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        BlockIo io;
        char colon = 0;
        if (words >> io.major >> colon >> io.minor >> io.operation >> io.value) found.push_back(std::move(io));
    }
    return found;
}

/// "8:0 rbytes=1 wbytes=2 rios=3 wios=4 …" lines.
void ioV2(const Group& group, Usage& usage) {
    std::istringstream lines(group.text("io.stat"));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        BlockIo io;
        char colon = 0;
        if (!(words >> io.major >> colon >> io.minor)) continue;
        for (std::string word; words >> word;) {
            const std::size_t equals = std::min(word.find('='), word.size());
            const std::string name = word.substr(0, equals);
            io.value = number(std::string_view(word).substr(std::min(equals + 1, word.size())));
            io.operation = name.starts_with('r') ? "read" : "write";
            if (name == "rbytes" || name == "wbytes") usage.io_bytes.push_back(io);
            if (name == "rios" || name == "wios") usage.io_count.push_back(io);
        }
    }
}

}  // namespace

Usage readUsage(const CgroupLayout& layout, const std::string& path) {
    Usage usage;
    usage.cpu = layout.unified ? cpuV2(layout, path) : cpuV1(layout, path);
    usage.memory = layout.unified ? memoryV2(layout, path) : memoryV1(layout, path);
    if (const std::uint64_t host = hostMemory(); usage.memory.limit == 0 || usage.memory.limit > host) usage.memory.limit = host;
    const Group pids(layout, "pids", path);
    usage.processes = pids.value("pids.current");
    usage.process_limit = limitOf(pids.text("pids.max"));
    if (layout.unified) {
        ioV2(Group(layout, "io", path), usage);
    } else {
        const Group blkio(layout, "blkio", path);
        usage.io_bytes = ioV1(blkio, "blkio.throttle.io_service_bytes_recursive");
        usage.io_count = ioV1(blkio, "blkio.throttle.io_serviced_recursive");
    }
    return usage;
}

std::map<std::string, InterfaceUsage> parseInterfaces(const std::string& text) {
    std::map<std::string, InterfaceUsage> found;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t colon = line.rfind(':');
        const std::size_t begin = line.find_first_not_of(' ');
        if (colon == std::string::npos || begin >= colon) continue;  // the two lines of headings
        std::istringstream words(line.substr(colon + 1));
        std::uint64_t ignored = 0;
        InterfaceUsage one;
        words >> one.rx_bytes >> one.rx_packets >> one.rx_errors >> one.rx_dropped >> ignored >> ignored >> ignored >> ignored;
        if (words >> one.tx_bytes >> one.tx_packets >> one.tx_errors >> one.tx_dropped) found[line.substr(begin, colon - begin)] = one;
    }
    return found;
}

std::uint64_t parseSystemCpu(const std::string& text) {
    constexpr int kCounters = 7;  // user to softirq, as Docker adds them up; steal and guest time aren't the host's
    std::istringstream words(text);
    std::string name;
    std::uint64_t ticks = 0;
    if (!(words >> name) || name != "cpu") return 0;
    std::uint64_t one = 0;
    for (int i = 0; i < kCounters && words >> one; ++i) ticks += one;
    return ticks * nanosecondsPerTick();
}

}  // namespace davit::runtime
