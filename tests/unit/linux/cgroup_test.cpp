#include "linux/cgroup.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::linux;

namespace {

constexpr const char* kV2 =
    "24 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 24 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

constexpr const char* kHybrid =
    "31 25 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755\n"
    "32 31 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw\n"
    "33 31 0:28 / /sys/fs/cgroup/systemd rw,nosuid shared:11 - cgroup cgroup rw,xattr,name=systemd\n"
    "36 31 0:31 / /sys/fs/cgroup/memory rw,nosuid shared:15 - cgroup cgroup rw,memory\n"
    "37 31 0:32 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:16 - cgroup cgroup rw,cpu,cpuacct\n"
    "38 31 0:32 / /mnt/again rw,nosuid shared:16 - cgroup cgroup rw,cpu,cpuacct\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(cgroup)

BOOST_AUTO_TEST_CASE(a_unified_host_has_one_hierarchy_with_what_is_available) {
    const CgroupLayout layout = parseCgroupLayout(kV2, "cpuset cpu io memory pids\n");
    BOOST_TEST(layout.unified);
    BOOST_REQUIRE(layout.hierarchies.size() == 1U);
    BOOST_TEST(layout.find("memory")->mount_point == "/sys/fs/cgroup");
    BOOST_TEST(layout.hierarchies[0].controllers.size() == 5U);
    BOOST_TEST(layout.find("devices") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_hybrid_host_counts_as_v1_and_a_second_mount_not_at_all) {
    const CgroupLayout layout = parseCgroupLayout(kHybrid, "");
    BOOST_TEST(!layout.unified);
    BOOST_TEST(layout.hierarchies.size() == 3U);
    BOOST_TEST(layout.find("cpuacct")->mount_point == "/sys/fs/cgroup/cpu,cpuacct");
    BOOST_TEST(layout.find("cpu") == layout.find("cpuacct"));
    BOOST_TEST(layout.find("name=systemd")->mount_point == "/sys/fs/cgroup/systemd");
    BOOST_TEST(layout.find("pids") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_host_without_groups_and_broken_lines_give_nothing) {
    BOOST_TEST(parseCgroupLayout("", "memory").hierarchies.empty());
    BOOST_TEST(parseCgroupLayout("30 24 0:26 / /sys/fs/cgroup rw - cgroup2\n-\n- - - - - - -\n", "memory").hierarchies.empty());
}

BOOST_AUTO_TEST_CASE(shares_become_weights_linearly_within_the_bounds) {
    BOOST_TEST(cpuSharesToWeight(0) == 0U);  // not set
    BOOST_TEST(cpuSharesToWeight(1) == 1U);
    BOOST_TEST(cpuSharesToWeight(2) == 1U);
    BOOST_TEST(cpuSharesToWeight(1024) == 39U);
    BOOST_TEST(cpuSharesToWeight(262144) == 10000U);
    BOOST_TEST(cpuSharesToWeight(~std::uint64_t{0}) == 10000U);
    BOOST_TEST(blkioToIoWeight(0) == 0U);
    BOOST_TEST(blkioToIoWeight(10) == 1U);
    BOOST_TEST(blkioToIoWeight(1000) == 10000U);
    BOOST_TEST(blkioToIoWeight(5000) == 10000U);
}

BOOST_AUTO_TEST_CASE(lists_of_processors_are_sorted_and_without_repetition) {
    BOOST_TEST(parseCpuList("7,0-3,2") == (std::vector<unsigned>{0, 1, 2, 3, 7}), boost::test_tools::per_element());
    BOOST_TEST(parseCpuList("").empty());
    BOOST_TEST(parseCpuList("8191") == std::vector<unsigned>{8191}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(other_lists_are_refused) {
    for (const char* bad : {"a", "1-", "-1", "3-1", "1-2-3", "0x1", "8192", "0-4294967295", "1 2", "99999999999"})
        BOOST_CHECK_EXCEPTION((void)parseCpuList(bad), Error,
                              [](const Error& failure) { return failure.code() == Code::invalid; });
}

BOOST_AUTO_TEST_SUITE_END()
