#include "engine/entry.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <future>
#include <thread>

#include "make_container.hpp"

using namespace davit;
using namespace davit::engine;
using davit::engine::test::makeContainer;

namespace {

EntryPtr makeEntry() { return std::make_shared<Entry>(makeContainer()); }

ContainerState running() {
    ContainerState state;
    state.status = Status::running;
    state.pid = 42;
    return state;
}

ContainerState exited(int code) {
    ContainerState state;
    state.status = Status::exited;
    state.exit_code = code;
    return state;
}

SteadyTime soon() { return std::chrono::steady_clock::now() + std::chrono::milliseconds(20); }

}  // namespace

BOOST_AUTO_TEST_SUITE(entry_suite)

BOOST_AUTO_TEST_CASE(operations_follow_each_other) {
    const EntryPtr entry = makeEntry();
    std::atomic<bool> second{false};
    std::thread other;
    {
        const Operation first = entry->begin();
        BOOST_TEST(!entry->tryBeginRemoval().has_value());
        other = std::thread([&] {
            const Operation operation = entry->begin();
            second = true;
        });
        // A reader doesn't wait.
        BOOST_TEST(entry->snapshot().name == "box");
        BOOST_TEST(!second);
    }
    other.join();
    BOOST_TEST(second);
    BOOST_TEST(entry->tryBeginRemoval().has_value());
}

BOOST_AUTO_TEST_CASE(two_removals_conflict) {
    const EntryPtr entry = makeEntry();
    const Operation removal = entry->beginRemoval();
    BOOST_CHECK_EXCEPTION((void)entry->beginRemoval(), Error, [](const Error& failure) {
        return failure.code() == Code::conflict && failure.text().ends_with("is already in progress");
    });
}

BOOST_AUTO_TEST_CASE(what_is_gone_takes_no_operation) {
    const EntryPtr entry = makeEntry();
    entry->gone();
    BOOST_CHECK_THROW((void)entry->begin(), Error);
    BOOST_CHECK_THROW((void)entry->beginRemoval(), Error);
}

BOOST_AUTO_TEST_CASE(an_exit_during_the_start_is_kept_back) {
    const EntryPtr entry = makeEntry();
    const Entry::Run run = entry->beginRun();
    runtime::ExitInfo exit;
    exit.code = 3;
    BOOST_TEST(!entry->acceptExit(run.number, exit));
    const Entry::Started started = entry->started(nullptr, running());
    BOOST_REQUIRE(started.exit.has_value());
    BOOST_TEST(started.exit->code == 3);
    BOOST_TEST(entry->acceptExit(run.number, exit));
    entry->ended(exited(3));
    BOOST_TEST(!entry->acceptExit(run.number, exit));
    const Entry::Run next = entry->beginRun();
    BOOST_TEST(next.number == run.number + 1);
    BOOST_TEST(!entry->acceptExit(run.number, exit));
}

BOOST_AUTO_TEST_CASE(who_wants_to_do_something_to_a_run_waits_for_its_start) {
    for (const bool works : {true, false}) {
        const EntryPtr entry = makeEntry();
        (void)entry->beginRun();
        std::promise<ContainerState> seen;
        std::thread client([&] {
            entry->settle();
            seen.set_value(entry->state());
        });
        std::future<ContainerState> state = seen.get_future();
        BOOST_TEST((state.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout));
        if (works) (void)entry->started(nullptr, running());
        else entry->failed(exited(128));
        BOOST_TEST((state.get().status == (works ? running() : exited(128)).status));
        client.join();
    }
}

BOOST_AUTO_TEST_CASE(waiters_are_answered_by_what_they_wait_for) {
    const EntryPtr entry = makeEntry();
    std::map<WaitCondition, int> codes;
    const auto waiter = [&](WaitCondition condition) {
        return entry->wait(condition, [&codes, condition](const WaitResult& result) { codes[condition] = result.exit_code; });
    };
    const auto at_once = waiter(WaitCondition::not_running);
    BOOST_TEST(codes.contains(WaitCondition::not_running));
    codes.clear();

    const auto next = waiter(WaitCondition::next_exit);
    const auto removed = waiter(WaitCondition::removed);
    (void)entry->beginRun();
    (void)entry->started(nullptr, running());
    const auto end = waiter(WaitCondition::not_running);
    BOOST_TEST(codes.empty());
    entry->ended(exited(7));
    BOOST_TEST(codes.at(WaitCondition::next_exit) == 7);
    BOOST_TEST(codes.at(WaitCondition::not_running) == 7);
    BOOST_TEST(!codes.contains(WaitCondition::removed));
    entry->gone();
    BOOST_TEST(codes.at(WaitCondition::removed) == 7);
}

BOOST_AUTO_TEST_CASE(a_dropped_ticket_is_not_called) {
    const EntryPtr entry = makeEntry();
    bool called = false;
    entry->wait(WaitCondition::removed, [&](const WaitResult&) { called = true; }).reset();
    entry->gone();
    BOOST_TEST(!called);
}

BOOST_AUTO_TEST_CASE(a_failed_start_answers_waiters_and_lets_clients_go) {
    const EntryPtr entry = makeEntry();
    (void)entry->beginRun();
    int pair[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    const UniqueFd peer(pair[1]);
    runtime::Attachment attachment;
    attachment.socket = UniqueFd(pair[0]);
    BOOST_TEST(entry->keepAttachment(attachment, ""));
    int code = -1;
    const auto ticket = entry->wait(WaitCondition::next_exit, [&](const WaitResult& result) { code = result.exit_code; });
    ContainerState state;
    state.exit_code = 127;
    entry->failed(state);
    BOOST_TEST(code == 127);
    char byte = 0;
    BOOST_TEST(::read(peer.get(), &byte, 1) == 0);
}

BOOST_AUTO_TEST_CASE(clients_wait_for_the_start_unless_they_have_gone) {
    const EntryPtr entry = makeEntry();
    std::vector<UniqueFd> peers;
    for (int i = 0; i < 3; ++i) {
        int pair[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        runtime::Attachment attachment;
        attachment.socket = UniqueFd(pair[0]);
        peers.emplace_back(pair[1]);
        if (i == 2) peers[0].reset();
        BOOST_TEST(entry->keepAttachment(attachment, ""));
    }
    BOOST_TEST(entry->beginRun().attachments.size() == 2);
    (void)entry->started(nullptr, running());
    runtime::Attachment late;
    BOOST_TEST(!entry->keepAttachment(late, ""));
}

BOOST_AUTO_TEST_CASE(changes_are_told_of_before_anybody_sees_them) {
    const EntryPtr entry = makeEntry();
    std::vector<std::string> told;
    const auto tell = [&told](const std::string& what) {
        return [&told, what](const Container& container) { told.push_back(what + " " + std::string(statusName(container.state.status))); };
    };
    entry->tellWhileRunning(tell("too early"));
    (void)entry->beginRun();
    const auto ticket = entry->wait(WaitCondition::next_exit, [&](const WaitResult&) { told.push_back("waiter"); });
    (void)entry->started(nullptr, running(), tell("start"));
    entry->tellWhileRunning(tell("kill"));
    entry->setOom(tell("oom"));
    entry->ended(exited(1), tell("die"));
    entry->gone(tell("destroy"));
    BOOST_TEST(told == (std::vector<std::string>{"start running", "kill running", "oom running", "die exited", "waiter", "destroy exited"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(waiting_for_an_end_has_a_deadline) {
    const EntryPtr entry = makeEntry();
    const std::uint64_t run = entry->beginRun().number;
    (void)entry->started(nullptr, running());
    BOOST_TEST(!entry->waitEnd(run, soon()));
    std::thread ender([&] { entry->ended(exited(0)); });
    BOOST_TEST(entry->waitEnd(run, std::nullopt));
    ender.join();
    BOOST_TEST(entry->waitEnd(run, soon()));
}

BOOST_AUTO_TEST_SUITE_END()
