#include "runtime/usage.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include "base/file.hpp"

using namespace davit;
using namespace davit::runtime;

namespace {

/// Hierarchies made of plain files.
struct Tree {
    Tree() { BOOST_REQUIRE(::mkdtemp(directory) != nullptr); }
    ~Tree() { std::filesystem::remove_all(directory); }

    void write(const std::string& controller, const std::string& file, const std::string& text) const {
        const std::filesystem::path group = std::filesystem::path(directory) / controller / "davit/id";
        std::filesystem::create_directories(group);
        writeFileAtomically(group / file, text, 0644);
    }
    [[nodiscard]] linux::CgroupLayout v1() const {
        linux::CgroupLayout layout;
        for (const char* controller : {"cpu", "cpuacct", "memory", "pids", "blkio"})
            layout.hierarchies.push_back({std::string(directory) + "/" + controller, {controller}});
        return layout;
    }
    [[nodiscard]] linux::CgroupLayout v2() const {
        return {.unified = true, .hierarchies = {{std::string(directory) + "/all", {"cpu", "memory", "pids", "io"}}}};
    }

    char directory[32] = "/tmp/davit-usage-XXXXXX";
};

}  // namespace

BOOST_AUTO_TEST_SUITE(usage_suite)

BOOST_FIXTURE_TEST_CASE(version_1, Tree) {
    write("cpuacct", "cpuacct.usage", "123456789\n");
    write("cpuacct", "cpuacct.usage_percpu", "100000000 23456789 \n");
    write("cpuacct", "cpuacct.stat", "user 7\nsystem 5\n");
    write("cpu", "cpu.stat", "nr_periods 10\nnr_throttled 2\nthrottled_time 3000\n");
    write("memory", "memory.usage_in_bytes", "1048576\n");
    write("memory", "memory.max_usage_in_bytes", "2097152\n");
    write("memory", "memory.limit_in_bytes", "67108864\n");
    write("memory", "memory.failcnt", "4\n");
    write("memory", "memory.stat", "cache 4096\ntotal_inactive_file 8192\n");
    write("pids", "pids.current", "3\n");
    write("pids", "pids.max", "max\n");
    write("blkio", "blkio.throttle.io_service_bytes_recursive", "8:0 Read 4096\n8:0 Write 512\nTotal 4608\n");
    const Usage usage = readUsage(v1(), "/davit/id");
    BOOST_TEST(usage.cpu.total == 123456789U);
    BOOST_TEST(usage.cpu.per_cpu == (std::vector<std::uint64_t>{100000000, 23456789}), boost::test_tools::per_element());
    BOOST_TEST(usage.cpu.user == 7ULL * 1'000'000'000ULL / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)));
    BOOST_TEST(usage.cpu.throttled_periods == 2U);
    BOOST_TEST(usage.memory.usage == 1048576U);
    BOOST_TEST(usage.memory.max_usage.value() == 2097152U);
    BOOST_TEST(usage.memory.limit == 67108864U);
    BOOST_TEST(usage.memory.failures.value() == 4U);
    BOOST_TEST(usage.memory.details.at("total_inactive_file") == 8192U);
    BOOST_TEST(usage.processes == 3U);
    BOOST_TEST(!usage.process_limit.has_value());
    BOOST_REQUIRE(usage.io_bytes.size() == 2U);
    BOOST_TEST(usage.io_bytes[1].major == 8U);
    BOOST_TEST(usage.io_bytes[1].operation == "Write");
    BOOST_TEST(usage.io_bytes[1].value == 512U);
}

BOOST_FIXTURE_TEST_CASE(version_2, Tree) {
    write("all", "cpu.stat", "usage_usec 1000\nuser_usec 600\nsystem_usec 400\nnr_periods 3\nnr_throttled 1\nthrottled_usec 9\n");
    write("all", "memory.current", "1048576\n");
    write("all", "memory.max", "max\n");
    write("all", "memory.events", "low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\n");
    write("all", "memory.stat", "anon 1\ninactive_file 8192\n");
    write("all", "pids.current", "2\n");
    write("all", "pids.max", "50\n");
    write("all", "io.stat", "8:0 rbytes=4096 wbytes=512 rios=2 wios=1 dbytes=0 dios=0\n253:1 rbytes=1 wbytes=0 rios=1 wios=0\n");
    const Usage usage = readUsage(v2(), "/davit/id");
    BOOST_TEST(usage.cpu.total == 1'000'000U);
    BOOST_TEST(usage.cpu.kernel == 400'000U);
    BOOST_TEST(usage.cpu.throttled_time == 9000U);
    BOOST_TEST(usage.cpu.per_cpu.empty());
    BOOST_TEST(usage.memory.usage == 1048576U);
    BOOST_TEST(usage.memory.limit > 1048576U);  // the host's
    BOOST_TEST(usage.memory.failures.value() == 2U);
    BOOST_TEST(!usage.memory.max_usage.has_value());
    BOOST_TEST(usage.process_limit.value() == 50U);
    BOOST_REQUIRE(usage.io_bytes.size() == 4U);
    BOOST_TEST(usage.io_bytes[0].operation == "read");
    BOOST_TEST(usage.io_bytes[0].value == 4096U);
    BOOST_TEST(usage.io_bytes[2].major == 253U);
    BOOST_TEST(usage.io_count[0].value == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_group_that_is_gone_has_used_nothing, Tree) {
    for (const linux::CgroupLayout& layout : {v1(), v2(), linux::CgroupLayout{}}) {
        const Usage usage = readUsage(layout, "/davit/gone");
        BOOST_TEST(usage.cpu.total == 0U);
        BOOST_TEST(usage.processes == 0U);
        BOOST_TEST(usage.io_bytes.empty());
    }
}

BOOST_AUTO_TEST_CASE(interfaces_of_a_namespace) {
    const auto found = parseInterfaces(
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
        "    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n"
        "  eth0:    1116      14    1    2    0     0          0         0      656       8    3    4    0     0       0          0\n"
        "eth1:1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n");
    BOOST_TEST(found.size() == 3U);
    BOOST_TEST(found.at("eth0").rx_bytes == 1116U);
    BOOST_TEST(found.at("eth0").rx_packets == 14U);
    BOOST_TEST(found.at("eth0").rx_errors == 1U);
    BOOST_TEST(found.at("eth0").rx_dropped == 2U);
    BOOST_TEST(found.at("eth0").tx_bytes == 656U);
    BOOST_TEST(found.at("eth0").tx_dropped == 4U);
    BOOST_TEST(found.at("eth1").tx_packets == 4U);
    BOOST_TEST(parseInterfaces("").empty());
}

BOOST_AUTO_TEST_CASE(the_hosts_processors) {
    const std::uint64_t tick = 1'000'000'000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    BOOST_TEST(parseSystemCpu("cpu  1 2 3 4 5 6 7 800 900 0\ncpu0 1 1 1 1\n") == 28U * tick);
    BOOST_TEST(parseSystemCpu("intr 5\n") == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
