#include "resolver/event_loop.hpp"

#include <sys/eventfd.h>

#include <boost/test/unit_test.hpp>

using namespace davit;
using namespace davit::resolver;

namespace {

UniqueFd readable() { return UniqueFd(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(event_loop_suite)

BOOST_AUTO_TEST_CASE(a_callback_may_end_others_and_itself) {
    EventLoop loop;
    const UniqueFd one = readable();
    const UniqueFd two = readable();
    int calls = 0;
    EventLoop::Watch first;
    EventLoop::Watch second;
    const auto end_both = [&](std::uint32_t) {
        ++calls;
        first.reset();
        second.reset();
    };
    first = loop.watch(one.get(), EPOLLIN, end_both);
    second = loop.watch(two.get(), EPOLLIN, end_both);
    loop.turn();
    BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(timers_expire_in_order_and_may_be_taken_back) {
    EventLoop loop;
    std::string seen;
    const EventLoop::Timer late = loop.after(std::chrono::milliseconds(2), [&] {
        seen += "late";
        loop.stop();
    });
    const EventLoop::Timer early = loop.after(std::chrono::milliseconds(1), [&] { seen += "early "; });
    EventLoop::Timer never = loop.after(std::chrono::milliseconds(0), [&] { seen += "never "; });
    never.reset();
    loop.run();
    BOOST_TEST(seen == "early late");
}

BOOST_AUTO_TEST_CASE(what_is_buried_lives_to_the_end_of_the_turn) {
    EventLoop loop;
    const UniqueFd event = readable();
    auto object = std::make_unique<std::shared_ptr<int>>(std::make_shared<int>(7));
    const std::weak_ptr<int> alive = *object;
    const EventLoop::Watch watch = loop.watch(event.get(), EPOLLIN, [&](std::uint32_t) {
        loop.bury(std::move(object));
        BOOST_TEST(!alive.expired());
    });
    loop.turn();
    BOOST_TEST(alive.expired());
}

BOOST_AUTO_TEST_SUITE_END()
