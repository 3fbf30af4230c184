#include "engine/event_log.hpp"

#include <boost/test/unit_test.hpp>

#include <thread>

using namespace davit;
using namespace davit::engine;

namespace {

void publish(EventLog& log, const std::string& action) { log.publish(EventType::container, action, "id", {}); }

std::vector<std::string> actions(EventReader& reader) {
    std::vector<std::string> all;
    for (auto events = reader.read(); !events.empty(); events = reader.read())
        for (const EventPtr& event : events) all.push_back(event->action);
    return all;
}

const EventRange kFromNow;
const EventRange kEverything{.since = SystemTime{}, .until = std::nullopt};

}  // namespace

BOOST_AUTO_TEST_SUITE(event_log_suite)

BOOST_AUTO_TEST_CASE(a_reader_without_a_range_sees_what_comes) {
    EventLog log;
    publish(log, "before");
    const auto reader = log.subscribe(kFromNow);
    BOOST_TEST(reader->read().empty());
    publish(log, "one");
    publish(log, "two");
    BOOST_TEST(actions(*reader) == (std::vector<std::string>{"one", "two"}), boost::test_tools::per_element());
    BOOST_TEST(reader->read().empty());
}

BOOST_AUTO_TEST_CASE(the_last_256_are_kept_for_those_who_come_later) {
    EventLog log;
    for (int i = 0; i < 300; ++i) publish(log, std::to_string(i));
    const std::vector<std::string> seen = actions(*log.subscribe(kEverything));
    BOOST_TEST(seen.size() == EventLog::kHistory);
    BOOST_TEST(seen.front() == "44");
    BOOST_TEST(seen.back() == "299");
}

BOOST_AUTO_TEST_CASE(a_range_has_a_beginning_and_an_end) {
    EventLog log;
    for (const char* action : {"a", "b", "c", "d"}) publish(log, action);
    const auto all = log.subscribe(kEverything)->read();
    const auto middle = log.subscribe({.since = all[1]->time, .until = all[2]->time});
    BOOST_TEST(actions(*middle) == (std::vector<std::string>{"b", "c"}), boost::test_tools::per_element());
    const auto begin = log.subscribe({.since = std::nullopt, .until = all[0]->time});
    BOOST_TEST(actions(*begin) == std::vector<std::string>{"a"}, boost::test_tools::per_element());
    publish(log, "late");
    BOOST_TEST(middle->read().empty());
}

BOOST_AUTO_TEST_CASE(no_two_events_have_the_same_moment) {
    EventLog log;
    for (int i = 0; i < 200; ++i) publish(log, "x");
    const auto reader = log.subscribe(kEverything);
    SystemTime last{};
    for (auto events = reader->read(); !events.empty(); events = reader->read())
        for (const EventPtr& event : events) {
            BOOST_TEST((event->time > last));
            last = event->time;
        }
}

BOOST_AUTO_TEST_CASE(who_falls_behind_loses_the_oldest_and_knows_how_many) {
    EventLog log;
    const auto reader = log.subscribe(kFromNow);
    for (std::size_t i = 0; i < EventLog::kBacklog + 10; ++i) publish(log, std::to_string(i));
    const std::vector<std::string> seen = actions(*reader);
    BOOST_TEST(seen.size() == EventLog::kBacklog);
    BOOST_TEST(seen.front() == "10");
    BOOST_TEST(reader->missed() == 10U);
}

BOOST_AUTO_TEST_CASE(readers_are_counted) {
    EventLog log;
    {
        const auto one = log.subscribe(kFromNow);
        const auto two = log.subscribe(kEverything);
        BOOST_TEST(log.readers() == 2U);
    }
    BOOST_TEST(log.readers() == 0U);
}

BOOST_AUTO_TEST_CASE(every_publication_wakes_the_listener_until_it_is_taken_back) {
    EventLog log;
    int woken = 0;
    log.onPublished([&] { ++woken; });
    publish(log, "a");
    publish(log, "b");
    BOOST_TEST(woken == 2);
    log.onPublished({});
    publish(log, "c");
    BOOST_TEST(woken == 2);
}

BOOST_AUTO_TEST_CASE(publishers_of_several_threads_are_put_in_one_order) {
    EventLog log;
    const auto first = log.subscribe(kFromNow);
    const auto second = log.subscribe(kFromNow);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&log, t] {
            for (int i = 0; i < 100; ++i) publish(log, std::to_string(t) + "." + std::to_string(i));
        });
    for (std::thread& thread : threads) thread.join();
    const std::vector<std::string> seen = actions(*first);
    BOOST_TEST(seen.size() == 400U);
    BOOST_TEST(seen == actions(*second), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
