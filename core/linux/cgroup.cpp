#include "linux/cgroup.hpp"

#include <algorithm>
#include <charconv>

#include "base/check.hpp"
#include "base/file.hpp"

namespace davit::linux {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        if (end != 0) parts.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

/// The fields of one mountinfo line that matter.
struct MountLine {
    std::string mount_point;
    std::string type;
    std::string super_options;
};

std::optional<MountLine> parseLine(const std::string& line) {
    const std::vector<std::string> fields = split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 7 || fields.end() - dash < 4) return std::nullopt;
    return MountLine{fields[4], dash[1], dash[3]};
}

/// The controllers among the super options of a v1 mount.
std::vector<std::string> controllersOf(const std::string& super_options) {
    static constexpr std::string_view kKnown[] = {"cpu",     "cpuacct",  "cpuset",     "memory",    "devices", "freezer",
                                                  "blkio",   "pids",     "net_cls",    "net_prio",  "hugetlb", "perf_event",
                                                  "rdma",    "misc"};
    std::vector<std::string> controllers;
    for (const std::string& option : split(super_options, ','))
        if (std::find(std::begin(kKnown), std::end(kKnown), option) != std::end(kKnown) || option.starts_with("name="))
            controllers.push_back(option);
    return controllers;
}

}  // namespace

const CgroupHierarchy* CgroupLayout::find(std::string_view controller) const {
    for (const CgroupHierarchy& hierarchy : hierarchies)
        if (std::find(hierarchy.controllers.begin(), hierarchy.controllers.end(), controller) != hierarchy.controllers.end())
            return &hierarchy;
    return nullptr;
}

CgroupLayout parseCgroupLayout(std::string_view mountinfo, std::string_view v2_controllers) {
    CgroupLayout layout;
    std::optional<CgroupHierarchy> unified;
    for (const std::string& text : split(mountinfo, '\n')) {
        const std::optional<MountLine> line = parseLine(text);
        if (!line) continue;
        if (line->type == "cgroup2" && !unified) {
            std::string_view available = v2_controllers.substr(0, v2_controllers.find('\n'));
            unified = CgroupHierarchy{line->mount_point, split(available, ' ')};
        } else if (line->type == "cgroup") {
            std::vector<std::string> controllers = controllersOf(line->super_options);
            // The same hierarchy may be mounted twice; the first one counts.
            if (!controllers.empty() && layout.find(controllers.front()) == nullptr)
                layout.hierarchies.push_back({line->mount_point, std::move(controllers)});
        }
    }
    if (layout.find("memory") == nullptr && layout.find("pids") == nullptr && unified) {
        layout.unified = true;
        layout.hierarchies = {std::move(*unified)};
    }
    return layout;
}

const CgroupLayout& hostCgroupLayout() {
    static const CgroupLayout layout = [] {
        const std::string mountinfo = readFile("/proc/self/mountinfo", std::size_t{64} << 20).value_or("");
        std::string controllers = readFile("/sys/fs/cgroup/cgroup.controllers").value_or("");
        return parseCgroupLayout(mountinfo, controllers);
    }();
    return layout;
}

std::uint64_t cpuSharesToWeight(std::uint64_t shares) {
    if (shares == 0) return 0;
    const std::uint64_t bounded = std::clamp<std::uint64_t>(shares, 2, 262144);
    return 1 + (bounded - 2) * 9999 / 262142;
}

std::uint64_t blkioToIoWeight(std::uint64_t weight) {
    if (weight == 0) return 0;
    return 1 + (std::clamp<std::uint64_t>(weight, 10, 1000) - 10) * 9999 / 990;
}

namespace {

unsigned parseNumber(std::string_view text, std::string_view whole, unsigned limit) {
    unsigned value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size() || value >= limit)
        throw error(Code::invalid, "invalid format of a list of numbers: {}", whole);
    return value;
}

}  // namespace

std::vector<unsigned> parseCpuList(std::string_view text, unsigned limit) {
    std::vector<bool> seen(limit);
    std::vector<unsigned> numbers;
    for (const std::string& part : split(text, ',')) {
        const std::size_t dash = part.find('-');
        const unsigned first = parseNumber(std::string_view(part).substr(0, dash), text, limit);
        const unsigned last =
            dash == std::string::npos ? first : parseNumber(std::string_view(part).substr(dash + 1), text, limit);
        if (last < first) throw error(Code::invalid, "invalid format of a list of numbers: {}", text);
        for (unsigned number = first; number <= last; ++number) {
            if (!seen[number]) numbers.push_back(number);
            seen[number] = true;
        }
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

}  // namespace davit::linux
