#include "api/views/stats_view.hpp"

#include "base/json.hpp"

namespace davit::api {
namespace {

std::string timeOf(const engine::ContainerStats& stats) {
    return stats.running ? formatRfc3339(stats.read) : std::string(kZeroTime);
}

void writeCpu(json::Writer& out, const char* name, const engine::ContainerStats& stats) {
    const runtime::CpuUsage& cpu = stats.usage.cpu;
    out.object(name, [&] {
        out.object("cpu_usage", [&] {
            out.member("total_usage", cpu.total);
            if (!cpu.per_cpu.empty())
                out.array("percpu_usage", [&] {
                    for (const std::uint64_t one : cpu.per_cpu) out.value(one);
                });
            out.member("usage_in_kernelmode", cpu.kernel).member("usage_in_usermode", cpu.user);
        });
        if (stats.system_cpu > 0) out.member("system_cpu_usage", stats.system_cpu);
        if (stats.online_cpus > 0) out.member("online_cpus", stats.online_cpus);
        out.object("throttling_data", [&] {
            out.member("periods", cpu.periods);
            out.member("throttled_periods", cpu.throttled_periods).member("throttled_time", cpu.throttled_time);
        });
    });
}

void writeMemory(json::Writer& out, const engine::ContainerStats& stats) {
    const runtime::MemoryUsage& memory = stats.usage.memory;
    out.object("memory_stats", [&] {
        if (!stats.running) return;
        out.member("usage", memory.usage);
        if (memory.max_usage) out.member("max_usage", *memory.max_usage);
        out.object("stats", [&] {
            for (const auto& [name, value] : memory.details) out.member(name, value);
        });
        if (memory.failures.value_or(0) > 0) out.member("failcnt", *memory.failures);
        out.member("limit", memory.limit);
    });
}

void writeIo(json::Writer& out, const char* name, const std::vector<runtime::BlockIo>& lines) {
    out.key(name);
    if (lines.empty()) {
        out.null();
        return;
    }
    out.array([&] {
        for (const runtime::BlockIo& io : lines)
            out.object([&] {
                out.member("major", io.major).member("minor", io.minor).member("op", io.operation).member("value", io.value);
            });
    });
}

void writeBlockIo(json::Writer& out, const runtime::Usage& usage) {
    out.object("blkio_stats", [&] {
        writeIo(out, "io_service_bytes_recursive", usage.io_bytes);
        writeIo(out, "io_serviced_recursive", usage.io_count);
        for (const char* absent : {"io_queue_recursive", "io_service_time_recursive", "io_wait_time_recursive",
                                   "io_merged_recursive", "io_time_recursive", "sectors_recursive"})
            out.key(absent).null();
    });
}

void writeNetworks(json::Writer& out, const engine::ContainerStats& stats) {
    if (stats.networks.empty()) return;
    out.object("networks", [&] {
        for (const auto& network : stats.networks)
            out.object(network.first, [&one = network.second, &out] {
                out.member("rx_bytes", one.rx_bytes).member("rx_packets", one.rx_packets);
                out.member("rx_errors", one.rx_errors).member("rx_dropped", one.rx_dropped);
                out.member("tx_bytes", one.tx_bytes).member("tx_packets", one.tx_packets);
                out.member("tx_errors", one.tx_errors).member("tx_dropped", one.tx_dropped);
            });
    });
}

}  // namespace

std::string statsLine(const engine::ContainerStats& now, const engine::ContainerStats& before) {
    json::Writer out;
    out.object([&] {
        out.member("name", "/" + now.name).member("id", now.id);
        out.member("read", timeOf(now)).member("preread", timeOf(before));
        out.object("pids_stats", [&] {
            if (now.usage.processes > 0) out.member("current", now.usage.processes);
            if (now.usage.process_limit) out.member("limit", *now.usage.process_limit);
        });
        writeBlockIo(out, now.usage);
        out.member("num_procs", 0);  // Windows only
        out.object("storage_stats", [] {});
        writeCpu(out, "cpu_stats", now);
        writeCpu(out, "precpu_stats", before);
        writeMemory(out, now);
        writeNetworks(out, now);
    });
    return out.take() + "\n";
}

}  // namespace davit::api
