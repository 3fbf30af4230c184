#include "engine/background.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <stdexcept>

using namespace davit::engine;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(background_suite)

BOOST_AUTO_TEST_CASE(tasks_run_in_order_and_a_failure_stops_nothing) {
    TaskQueue queue("test", false);
    std::string order;
    queue.post("a", [&] { order += 'a'; });
    queue.post("b", [&] { throw std::runtime_error("expected by the test"); });
    queue.post("c", [&] { order += 'c'; });
    BOOST_TEST(queue.drain(5s));
    BOOST_TEST(order == "ac");
}

BOOST_AUTO_TEST_CASE(stopping_drops_what_has_not_begun) {
    TaskQueue queue("test", true);
    std::atomic<bool> begun{false};
    std::atomic<bool> dropped{true};
    StartGate gate;
    queue.post("long", [&] {
        begun = true;
        const StartGate::Pass pass(gate);
        gate.waitQuiet(50ms);
    });
    queue.post("never", [&] { dropped = false; });
    while (!begun) std::this_thread::yield();
    queue.stop();
    BOOST_TEST(dropped);
    BOOST_TEST(!queue.drain(1ms));
}

BOOST_AUTO_TEST_CASE(clean_up_waits_for_starts_but_not_for_ever) {
    StartGate gate;
    gate.waitQuiet(10s);
    const StartGate::Pass pass(gate);
    const auto before = std::chrono::steady_clock::now();
    gate.waitQuiet(20ms);
    const auto waited = std::chrono::steady_clock::now() - before;
    BOOST_TEST((waited >= 20ms));
    BOOST_TEST((waited < 5s));
}

BOOST_AUTO_TEST_SUITE_END()
