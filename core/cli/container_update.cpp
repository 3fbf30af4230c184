// davit update
#include <algorithm>

#include "base/check.hpp"
#include "cli/run_values.hpp"
#include "cli/units.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

struct UpdateOptions {
    std::int64_t blkio_weight = 0;
    std::int64_t cpu_period = 0;
    std::int64_t cpu_quota = 0;
    std::int64_t cpu_rt_period = 0;
    std::int64_t cpu_rt_runtime = 0;
    std::int64_t cpu_shares = 0;
    std::int64_t nano_cpus = 0;
    std::string cpuset_cpus;
    std::string cpuset_mems;
    std::int64_t memory = 0;
    std::int64_t memory_reservation = 0;
    std::int64_t memory_swap = 0;
    std::int64_t pids_limit = 0;
    std::string restart;
};

void declare(FlagSet& flags, UpdateOptions& o) {
    const auto bytes = [&flags](std::int64_t* target, const char* name, char shorthand, const char* usage) {
        flags.custom([target](const std::string& value) { *target = value == "-1" ? -1 : parseBytes(value); }, name, shorthand,
                     "bytes", usage);
    };
    flags.integer(&o.blkio_weight, "blkio-weight", '\0', "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)")
        .integer(&o.cpu_period, "cpu-period", '\0', "Limit CPU CFS (Completely Fair Scheduler) period")
        .integer(&o.cpu_quota, "cpu-quota", '\0', "Limit CPU CFS (Completely Fair Scheduler) quota")
        .integer(&o.cpu_rt_period, "cpu-rt-period", '\0', "Limit the CPU real-time period in microseconds")
        .integer(&o.cpu_rt_runtime, "cpu-rt-runtime", '\0', "Limit the CPU real-time runtime in microseconds")
        .string(&o.cpuset_cpus, "cpuset-cpus", '\0', "CPUs in which to allow execution (0-3, 0,1)")
        .string(&o.cpuset_mems, "cpuset-mems", '\0', "MEMs in which to allow execution (0-3, 0,1)")
        .integer(&o.cpu_shares, "cpu-shares", 'c', "CPU shares (relative weight)")
        .integer(&o.pids_limit, "pids-limit", '\0', "Tune container pids limit (set -1 for unlimited)")
        .string(&o.restart, "restart", '\0', "Restart policy to apply when a container exits")
        .custom([&o](const std::string& value) { o.nano_cpus = parseScaledDecimal(value, 1'000'000'000); }, "cpus", '\0', "decimal",
                "Number of CPUs");
    bytes(&o.memory, "memory", 'm', "Memory limit");
    bytes(&o.memory_reservation, "memory-reservation", '\0', "Memory soft limit");
    bytes(&o.memory_swap, "memory-swap", '\0', "Swap limit equal to memory plus swap: -1 to enable unlimited swap");
}

std::string bodyOf(const UpdateOptions& o, bool with_pids_limit) {
    const RestartPolicy policy = parseRestartPolicy(o.restart);
    json::Writer out;
    out.object([&] {
        out.member("BlkioWeight", o.blkio_weight).member("CpuShares", o.cpu_shares).member("Memory", o.memory);
        out.member("MemoryReservation", o.memory_reservation).member("MemorySwap", o.memory_swap);
        out.member("CpuPeriod", o.cpu_period).member("CpuQuota", o.cpu_quota);
        out.member("CpuRealtimePeriod", o.cpu_rt_period).member("CpuRealtimeRuntime", o.cpu_rt_runtime);
        out.member("CpusetCpus", o.cpuset_cpus).member("CpusetMems", o.cpuset_mems).member("NanoCpus", o.nano_cpus);
        if (with_pids_limit) out.member("PidsLimit", o.pids_limit);
        out.object("RestartPolicy", [&] { out.member("Name", policy.name).member("MaximumRetryCount", policy.retries); });
    });
    return out.take();
}

}  // namespace

int updateContainers(Cli& cli, CommandLine& line) {
    UpdateOptions options;
    declare(line.flags(), options);
    const std::vector<std::string> names = line.parse();
    const auto& flags = line.flags().flags();
    if (std::none_of(flags.begin(), flags.end(), [](const Flag& flag) { return flag.changed; }))
        throw Error(Code::invalid, "you must provide one or more flags when using this command");
    const std::string body = bodyOf(options, line.flags().changed("pids-limit"));
    std::string warnings;
    const int code = forEachName(names, true, [&](const std::string& name) {
        const json::Document reply = cli.client().json(
            {.method = "POST", .path = "/containers/" + segment(name) + "/update", .query = {}, .json = body});
        for (const std::string& warning : reply.root()["Warnings"].strings()) warnings += warning + "\n";
    });
    printOut(warnings);
    return code;
}

}  // namespace davit::cli
