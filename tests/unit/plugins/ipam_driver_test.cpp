#include <boost/test/unit_test.hpp>

#include <atomic>
#include <set>
#include <thread>

#include "base/error.hpp"
#include "plugins/network/ipam/default_ipam_driver.hpp"

using namespace davit;

namespace {

struct Ipam {
    explicit Ipam(const std::string& config = "{}") : driver(DriverContext(config)) {}
    Pool pool(const std::string& cidr, const std::string& sub_pool = {}, bool v6 = false) {
        return driver.requestPool({.address_space = "LocalDefault", .pool = cidr, .sub_pool = sub_pool, .options = {}, .v6 = v6});
    }
    std::string address(const Pool& pool, const std::string& wanted = {}, const Options& options = {}) {
        return driver.requestAddress({.pool_id = pool.id, .address = wanted, .options = options}).address;
    }
    DefaultIpamDriver driver;
};

auto code(Code wanted) {
    return [wanted](const Error& error) { return error.code() == wanted; };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ipam_driver)

BOOST_AUTO_TEST_CASE(the_lowest_free_address_is_given_and_given_again_after_its_release) {
    Ipam ipam;
    const Pool pool = ipam.pool("10.99.0.0/24");
    BOOST_TEST(ipam.address(pool) == "10.99.0.1/24");
    BOOST_TEST(ipam.address(pool) == "10.99.0.2/24");
    BOOST_TEST(ipam.address(pool, "10.99.0.4") == "10.99.0.4/24");
    BOOST_TEST(ipam.address(pool) == "10.99.0.3/24");
    BOOST_TEST(ipam.address(pool) == "10.99.0.5/24");
    ipam.driver.releaseAddress(pool.id, "10.99.0.2");
    BOOST_TEST(ipam.address(pool) == "10.99.0.2/24");
}

BOOST_AUTO_TEST_CASE(serial_allocation_goes_on_behind_the_last_and_comes_round) {
    Ipam ipam;
    const Options serial{{"com.docker.network.ipam.serial", "true"}};
    const Pool pool = ipam.pool("10.99.0.0/29");
    for (const char* expected : {"10.99.0.1/29", "10.99.0.2/29", "10.99.0.3/29"}) BOOST_TEST(ipam.address(pool, "", serial) == expected);
    ipam.driver.releaseAddress(pool.id, "10.99.0.1");
    for (const char* expected : {"10.99.0.4/29", "10.99.0.5/29", "10.99.0.6/29", "10.99.0.1/29"})
        BOOST_TEST(ipam.address(pool, "", serial) == expected);
    BOOST_CHECK_EXCEPTION(ipam.address(pool, "", serial), Error, code(Code::conflict));
}

BOOST_AUTO_TEST_CASE(nobodys_addresses_are_not_given) {
    Ipam ipam;
    const Pool four = ipam.pool("10.99.0.0/30");
    BOOST_TEST(ipam.address(four) == "10.99.0.1/30");
    BOOST_TEST(ipam.address(four) == "10.99.0.2/30");
    BOOST_CHECK_THROW(ipam.address(four), Error);
    for (const char* reserved : {"10.99.0.0", "10.99.0.3"}) {
        ipam.driver.releaseAddress(four.id, reserved);
        BOOST_CHECK_EXCEPTION(ipam.address(four, reserved), Error, code(Code::conflict));
    }
    const Pool two = ipam.pool("10.99.1.0/31");
    BOOST_TEST(ipam.address(two) == "10.99.1.0/31");
    BOOST_TEST(ipam.address(two) == "10.99.1.1/31");
    BOOST_TEST(ipam.address(ipam.pool("10.99.2.7/32")) == "10.99.2.7/32");
    BOOST_TEST(ipam.address(ipam.pool("fd99::/64", "", true)) == "fd99::1/64");
}

BOOST_AUTO_TEST_CASE(a_sub_pool_bounds_what_is_chosen_and_not_what_is_wished) {
    Ipam ipam;
    const Pool pool = ipam.pool("10.99.0.0/16", "10.99.5.0/30");
    BOOST_TEST(pool.pool == "10.99.0.0/16");
    for (const char* expected : {"10.99.5.0/16", "10.99.5.1/16", "10.99.5.2/16", "10.99.5.3/16"}) BOOST_TEST(ipam.address(pool) == expected);
    BOOST_CHECK_EXCEPTION(ipam.address(pool), Error, code(Code::conflict));
    BOOST_TEST(ipam.address(pool, "10.99.200.1") == "10.99.200.1/16");
    BOOST_CHECK_EXCEPTION(ipam.address(pool, "10.98.0.1"), Error, code(Code::invalid));
    BOOST_CHECK_THROW(ipam.pool("10.90.0.0/16", "10.91.0.0/24"), Error);
    BOOST_CHECK_THROW(ipam.pool("", "10.91.0.0/24"), Error);
}

BOOST_AUTO_TEST_CASE(pools_of_one_space_do_not_overlap) {
    Ipam ipam;
    const Pool pool = ipam.pool("10.99.0.0/16");
    BOOST_CHECK_EXCEPTION(ipam.pool("10.99.7.0/24"), Error, code(Code::forbidden));
    BOOST_CHECK_EXCEPTION(ipam.pool("10.0.0.0/8"), Error, code(Code::forbidden));
    BOOST_TEST(ipam.driver.requestPool({.address_space = "other", .pool = "10.99.7.0/24", .sub_pool = {}, .options = {}, .v6 = false}).pool ==
               "10.99.7.0/24");
    BOOST_TEST(ipam.pool("10.99.1.2/16").id == pool.id);
    ipam.driver.releasePool(pool.id);
    BOOST_CHECK_THROW(ipam.pool("10.99.7.0/24"), Error);
    ipam.driver.releasePool(pool.id);
    BOOST_TEST(ipam.pool("10.99.7.0/24").pool == "10.99.7.0/24");
    BOOST_CHECK_EXCEPTION(ipam.driver.releasePool(pool.id), Error, code(Code::not_found));
}

BOOST_AUTO_TEST_CASE(chosen_pools_come_from_the_ranges_and_pass_what_is_taken) {
    Ipam ipam(R"({"pools":["10.200.0.0/22 24","10.201.0.0/24 24","fd99::/62 64"]})");
    (void)ipam.pool("10.200.1.128/25");
    std::set<std::string> chosen;
    for (int i = 0; i < 4; ++i) chosen.insert(ipam.pool("").pool);
    BOOST_TEST(chosen == (std::set<std::string>{"10.200.0.0/24", "10.200.2.0/24", "10.200.3.0/24", "10.201.0.0/24"}),
               boost::test_tools::per_element());
    BOOST_CHECK_EXCEPTION(ipam.pool(""), Error, code(Code::not_found));
    for (const char* expected : {"fd99::/64", "fd99:0:0:1::/64", "fd99:0:0:2::/64", "fd99:0:0:3::/64"})
        BOOST_TEST(ipam.pool("", "", true).pool == expected);
    BOOST_CHECK_THROW(ipam.pool("", "", true), Error);
}

BOOST_AUTO_TEST_CASE(hundreds_of_networks_fit) {
    Ipam ipam;
    std::set<std::string> chosen;
    for (int i = 0; i < 2000; ++i) chosen.insert(ipam.pool("").pool);
    BOOST_TEST(chosen.size() == 2000U);
}

BOOST_AUTO_TEST_CASE(a_pool_larger_than_memory_costs_what_is_used) {
    Ipam ipam;
    const Pool pool = ipam.pool("10.0.0.0/8");
    for (int i = 0; i < 10000; ++i) (void)ipam.address(pool);
    BOOST_TEST(ipam.address(pool) == "10.0.39.17/8");
    const Pool huge = ipam.pool("::/0", "", true);
    BOOST_TEST(ipam.address(huge, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/0");
    BOOST_TEST(ipam.address(huge) == "::1/0");
}

BOOST_AUTO_TEST_CASE(threads_never_get_the_same_address) {
    Ipam ipam;
    const Pool pool = ipam.pool("10.99.0.0/20");
    std::vector<std::string> given[4];
    std::vector<std::thread> threads;
    for (auto& mine : given)
        threads.emplace_back([&] {
            for (int i = 0; i < 500; ++i) mine.push_back(ipam.address(pool));
        });
    for (std::thread& thread : threads) thread.join();
    std::set<std::string> all;
    for (const auto& mine : given) all.insert(mine.begin(), mine.end());
    BOOST_TEST(all.size() == 2000U);
}

BOOST_AUTO_TEST_CASE(bad_input_is_refused) {
    Ipam ipam;
    for (const char* bad : {"10.0.0.0", "10.0.0.0/33", "x", "10.0.0.0/8/8"}) BOOST_CHECK_EXCEPTION(ipam.pool(bad), Error, code(Code::invalid));
    BOOST_CHECK_THROW(ipam.pool("10.99.0.0/16", "", true), Error);
    BOOST_CHECK_THROW(ipam.pool("fd99::/64"), Error);
    const Pool pool = ipam.pool("10.99.0.0/16");
    for (const char* bad : {"x", "10.99.0.1/16", "fd99::1"}) BOOST_CHECK_EXCEPTION(ipam.address(pool, bad), Error, code(Code::invalid));
    BOOST_CHECK_EXCEPTION(ipam.driver.requestAddress({.pool_id = "none", .address = {}, .options = {}}), Error, code(Code::not_found));
    for (const char* bad : {R"({"pools":["10.0.0.0/16"]})", R"({"pools":["10.0.0.0/16 8"]})", R"({"pools":["10.0.0.0/16 24x"]})", R"({"pool":[]})"})
        BOOST_CHECK_THROW(Ipam{bad}, Error);
}

BOOST_AUTO_TEST_SUITE_END()
