#include "engine/restarter.hpp"

#include <boost/test/unit_test.hpp>

#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace davit;
using namespace davit::engine;
using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 20s;

SteadyTime in(std::chrono::milliseconds delay) { return std::chrono::steady_clock::now() + delay; }

}  // namespace

BOOST_AUTO_TEST_SUITE(restarter)

BOOST_AUTO_TEST_CASE(the_next_moment_comes_first_and_nothing_before_the_beginning) {
    Restarter restarts;
    std::mutex mutex;
    std::vector<int> order;
    std::promise<void> last;
    const auto note = [&](int number) {
        const std::lock_guard<std::mutex> lock(mutex);
        order.push_back(number);
        if (order.size() == 3) last.set_value();
    };
    restarts.schedule(in(40ms), "third", [&] { note(3); });
    restarts.schedule(in(-20ms), "first", [&] { note(1); });
    restarts.schedule(in(-10ms), "second", [&] { note(2); });
    const std::future<void> done = last.get_future();
    BOOST_TEST((done.wait_for(80ms) == std::future_status::timeout));
    BOOST_TEST(order.empty());
    restarts.begin();
    BOOST_REQUIRE((done.wait_for(kPatience) == std::future_status::ready));
    BOOST_TEST((order == std::vector<int>{1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(one_that_fails_does_not_end_the_others) {
    Restarter restarts;
    restarts.begin();
    restarts.schedule(in(0ms), "bad", [] { throw std::runtime_error("no"); });
    std::promise<void> good;
    restarts.schedule(in(1ms), "good", [&] { good.set_value(); });
    BOOST_TEST((good.get_future().wait_for(kPatience) == std::future_status::ready));
}

// The thread waits for a moment that goes with its task.
BOOST_AUTO_TEST_CASE(what_waits_is_forgotten_at_the_end) {
    for (int round = 0; round < 20; ++round) {
        Restarter restarts;
        restarts.begin();
        std::promise<void> waits;
        restarts.schedule(in(0ms), "now", [&] { waits.set_value(); });
        restarts.schedule(in(1h), "never", [] { BOOST_ERROR("it started"); });
        BOOST_REQUIRE((waits.get_future().wait_for(kPatience) == std::future_status::ready));
        std::this_thread::sleep_for(2ms);  // likely enough it waits again
        restarts.stop();
        restarts.schedule(in(0ms), "too late", [] { BOOST_ERROR("it started"); });
    }
}

BOOST_AUTO_TEST_SUITE_END()
