// How fast a container may send and receive.
#include <boost/test/unit_test.hpp>

#include "bridge_fixtures.hpp"
#include "linux/netlink/rate_limit.hpp"

using namespace davit;
using namespace davit::bridge;

namespace {

constexpr std::size_t kAmount = 1000000;

// Seconds until all has arrived.
double transfer(int from, int to) {
    const auto start = std::chrono::steady_clock::now();
    std::thread writer([from] {
        const std::string block(65536, 'x');
        for (std::size_t left = kAmount; left > 0 && readable(from, 10000, POLLOUT);) {
            const ssize_t part = ::send(from, block.data(), std::min(left, block.size()), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (part > 0) left -= static_cast<std::size_t>(part);
        }
    });
    std::string buffer(65536, '\0');
    std::size_t got = 0;
    while (got < kAmount && readable(to, 10000)) {
        const ssize_t part = ::recv(to, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (part <= 0) break;
        got += static_cast<std::size_t>(part);
    }
    writer.join();
    BOOST_TEST(got == kAmount);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Limited : BridgeHost {
    std::string net = network(91);
    std::string endpoint = randomId();
    Sandbox sandbox;
    Limited() {
        (void)driver->createEndpoint({.network_id = net, .endpoint_id = endpoint, .options = {}, .interface = {.address = "10.91.0.2/16"}});
    }
    void join(const JsonOptions& more = {}) const {
        JsonOptions options{{"com.docker.network.endpoint.ifname", "\"eth0\""}};
        options.insert(more.begin(), more.end());
        (void)driver->join({.network_id = net, .endpoint_id = endpoint, .sandbox_key = sandbox.path(), .options = options});
    }
    struct Times {
        double in, out;
    };
    // Of a new connection from the host.
    Times measure() {
        Server server(sandbox.fd(), "0.0.0.0", 80);
        const Attempt client = connectFrom(self.get(), "10.91.0.2", 80);
        BOOST_REQUIRE(bool(client));
        BOOST_REQUIRE(!server.accept().empty());
        return {transfer(client.fd.get(), server.connection()), transfer(server.connection(), client.fd.get())};
    }
};

std::optional<std::uint64_t> rate(const std::string& text) { return linux::readRate("rate", text); }

}  // namespace

BOOST_AUTO_TEST_SUITE(bridge_rates)

BOOST_AUTO_TEST_CASE(rates_have_units) {
    BOOST_TEST(rate("8000").value() == 1000U);
    BOOST_TEST(rate("10mbit").value() == 1250000U);
    BOOST_TEST(rate("1.5Gbit").value() == 187500000U);
    BOOST_TEST(rate("256kbps").value() == 256000U);
    BOOST_TEST(!rate("").has_value());
    BOOST_TEST(!rate("0").has_value());
    for (const char* wrong : {"fast", "10 mbit", "10mbits", "-1mbit", "1", "17gbit", "nan", "inf", "1e3mbit", "0x10kbit", "mbit"})
        BOOST_CHECK_EXCEPTION((void)rate(wrong), Error, [](const Error& e) { return e.code() == Code::invalid; });
}

BOOST_FIXTURE_TEST_CASE(each_way_has_its_own_limit_and_both_change_while_it_runs, Limited) {
    join({{"com.davit.rate-in", "\"8mbit\""}});
    Times times = measure();
    BOOST_TEST(times.in > 3 * times.out);
    driver->updateEndpoint(net, endpoint, {{"com.davit.rate-in", "\"\""}, {"com.davit.rate-out", "\"1mbps\""}});
    times = measure();
    BOOST_TEST(times.out > 3 * times.in);
    driver->updateEndpoint(net, endpoint, {{"com.davit.rate-out", "\"800mbit\""}});
    const Times faster = measure();
    BOOST_TEST(times.out > 3 * faster.out);
    driver->updateEndpoint(net, endpoint, {{"com.davit.rate-out", "\"0\""}});
    BOOST_TEST(times.out > 3 * measure().out);
}

BOOST_FIXTURE_TEST_CASE(a_limit_is_known_after_a_restart, Limited) {
    join({{"com.davit.rate-in", "\"8mbit\""}, {"com.davit.rate-out", "\"8mbit\""}});
    restart();
    driver->updateEndpoint(net, endpoint, {{"com.davit.rate-in", "\"\""}});
    const Times times = measure();
    BOOST_TEST(times.out > 3 * times.in);
}

BOOST_FIXTURE_TEST_CASE(what_is_no_rate_is_refused_and_changes_nothing, Limited) {
    BOOST_CHECK_THROW((void)driver->createEndpoint({.network_id = net, .endpoint_id = randomId(), .options = {{"com.davit.rate-in", "\"fast\""}},
                                                    .interface = {.address = "10.91.0.3/16"}}),
                      Error);
    join();
    BOOST_CHECK_THROW(driver->updateEndpoint(net, endpoint, {{"com.davit.rate-in", "\"fast\""}}), Error);
    BOOST_CHECK_THROW(driver->updateEndpoint(net, endpoint, {{"com.docker.network.endpoint.ifname", "\"eth1\""}}), Error);
    BOOST_CHECK_THROW(driver->updateEndpoint(net, randomId(), {{"com.davit.rate-in", "\"8mbit\""}}), Error);
    BOOST_TEST(measure().in < 0.5);
}

BOOST_FIXTURE_TEST_CASE(an_endpoint_counts_its_traffic, Limited) {
    join();
    const auto count = [&](const char* name) { return std::stoull(driver->endpointInfo(net, endpoint).at(name)); };
    const auto before = count("com.davit.rx-bytes");
    (void)measure();
    BOOST_TEST(count("com.davit.rx-bytes") > before + kAmount);
    BOOST_TEST(count("com.davit.tx-bytes") > kAmount);
    BOOST_TEST(count("com.davit.rx-packets") > 0U);
    BOOST_TEST(count("com.davit.tx-packets") > 0U);
}

BOOST_AUTO_TEST_SUITE_END()
