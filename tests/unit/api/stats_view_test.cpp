#include "api/views/stats_view.hpp"

#include <boost/test/unit_test.hpp>

#include "base/json.hpp"

using namespace davit;
using namespace davit::api;

namespace {

engine::ContainerStats sample() {
    engine::ContainerStats stats;
    stats.id = "4711";
    stats.name = "web";
    stats.running = true;
    stats.read = SystemTime(std::chrono::seconds(1'700'000'000));
    stats.usage.cpu.total = 500;
    stats.usage.cpu.per_cpu = {300, 200};
    stats.usage.memory = {.usage = 1000, .max_usage = 2000, .failures = 0, .limit = 4000, .details = {{"total_inactive_file", 10}}};
    stats.usage.processes = 2;
    stats.usage.io_bytes = {{8, 0, "Read", 4096}};
    stats.system_cpu = 9000;
    stats.online_cpus = 2;
    stats.networks["eth0"] = {.rx_bytes = 1, .rx_packets = 2, .tx_bytes = 3, .tx_packets = 4};
    return stats;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stats_view)

BOOST_AUTO_TEST_CASE(a_sample_has_the_one_before_beside_it) {
    engine::ContainerStats before = sample();
    before.usage.cpu.total = 100;
    before.system_cpu = 8000;
    const json::Document document = json::Document::parse(statsLine(sample(), before));
    const json::Value root = document.root();
    BOOST_TEST(root["name"].string() == "/web");
    BOOST_TEST(root["read"].string() == "2023-11-14T22:13:20Z");
    BOOST_TEST(root["cpu_stats"]["cpu_usage"]["total_usage"].integer() == 500);
    BOOST_TEST(root["cpu_stats"]["cpu_usage"]["percpu_usage"].array().size() == 2U);
    BOOST_TEST(root["precpu_stats"]["cpu_usage"]["total_usage"].integer() == 100);
    BOOST_TEST(root["precpu_stats"]["system_cpu_usage"].integer() == 8000);
    BOOST_TEST(root["memory_stats"]["stats"]["total_inactive_file"].integer() == 10);
    BOOST_TEST(root["memory_stats"]["limit"].integer() == 4000);
    BOOST_TEST(root["pids_stats"]["current"].integer() == 2);
    BOOST_TEST(root["networks"]["eth0"]["tx_packets"].integer() == 4);
    BOOST_TEST(root["blkio_stats"]["io_service_bytes_recursive"].text() == R"([{"major":8,"minor":0,"op":"Read","value":4096}])");
    BOOST_TEST(root["blkio_stats"]["sectors_recursive"].isNull());
}

BOOST_AUTO_TEST_CASE(what_does_not_run_uses_nothing) {
    engine::ContainerStats stopped;
    stopped.id = "4711";
    stopped.name = "web";
    // dockerd 20.10's reply, in another order.
    BOOST_TEST(statsLine(stopped, {}) ==
               R"({"name":"/web","id":"4711","read":"0001-01-01T00:00:00Z","preread":"0001-01-01T00:00:00Z","pids_stats":{},)"
               R"("blkio_stats":{"io_service_bytes_recursive":null,"io_serviced_recursive":null,"io_queue_recursive":null,)"
               R"("io_service_time_recursive":null,"io_wait_time_recursive":null,"io_merged_recursive":null,)"
               R"("io_time_recursive":null,"sectors_recursive":null},"num_procs":0,"storage_stats":{},)"
               R"("cpu_stats":{"cpu_usage":{"total_usage":0,"usage_in_kernelmode":0,"usage_in_usermode":0},)"
               R"("throttling_data":{"periods":0,"throttled_periods":0,"throttled_time":0}},)"
               R"("precpu_stats":{"cpu_usage":{"total_usage":0,"usage_in_kernelmode":0,"usage_in_usermode":0},)"
               R"("throttling_data":{"periods":0,"throttled_periods":0,"throttled_time":0}},"memory_stats":{}})" "\n");
}

BOOST_AUTO_TEST_SUITE_END()
