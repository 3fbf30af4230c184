#include "engine/restart_policy.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit;
using namespace davit::engine;
using namespace std::chrono_literals;

namespace {

ContainerState ended(int code, std::chrono::nanoseconds duration = 1s) {
    ContainerState state;
    state.status = Status::exited;
    state.exit_code = code;
    state.started_at = SystemTime(1000s);
    state.finished_at = SystemTime(1000s) + duration;
    return state;
}

ContainerState stopped(int code) {
    ContainerState state = ended(code);
    state.stopped_by_client = true;
    return state;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(restart_policy)

BOOST_AUTO_TEST_CASE(what_is_started_again_at_its_end) {
    for (const char* name : {"", "no"}) BOOST_TEST(!wantsRestart({.name = name, .maximum_retry_count = 0}, ended(1), 0));
    for (const char* name : {"always", "unless-stopped"}) {
        BOOST_TEST(wantsRestart({.name = name, .maximum_retry_count = 0}, ended(0), 1000));
        BOOST_TEST(!wantsRestart({.name = name, .maximum_retry_count = 0}, stopped(137), 0));
    }
    BOOST_TEST(wantsRestart({.name = "on-failure", .maximum_retry_count = 0}, ended(1), 1000));
    BOOST_TEST(!wantsRestart({.name = "on-failure", .maximum_retry_count = 0}, ended(0), 0));
    BOOST_TEST(wantsRestart({.name = "on-failure", .maximum_retry_count = 3}, ended(1), 2));
    BOOST_TEST(!wantsRestart({.name = "on-failure", .maximum_retry_count = 3}, ended(1), 3));
}

BOOST_AUTO_TEST_CASE(what_is_started_with_the_daemon) {
    BOOST_TEST(wantsStartWithDaemon({.name = "always", .maximum_retry_count = 0}, stopped(0), 0));
    BOOST_TEST(!wantsStartWithDaemon({.name = "unless-stopped", .maximum_retry_count = 0}, stopped(0), 0));
    BOOST_TEST(wantsStartWithDaemon({.name = "unless-stopped", .maximum_retry_count = 0}, ended(0), 0));
    BOOST_TEST(wantsStartWithDaemon({.name = "on-failure", .maximum_retry_count = 0}, ended(255), 0));
    BOOST_TEST(!wantsStartWithDaemon({.name = "always", .maximum_retry_count = 0}, ContainerState{}, 0));
}

BOOST_AUTO_TEST_CASE(waits_double_up_to_a_minute_and_begin_anew_after_a_long_run) {
    std::chrono::milliseconds delay{0};
    for (const auto expected : {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 12800ms, 25600ms, 51200ms, 60000ms, 60000ms}) {
        delay = nextDelay(ended(1), delay);
        BOOST_TEST(delay.count() == expected.count());
    }
    BOOST_TEST(nextDelay(ended(1, 9999ms), delay).count() == 60000);
    BOOST_TEST(nextDelay(ended(1, 10s), delay).count() == 100);
}

BOOST_AUTO_TEST_SUITE_END()
