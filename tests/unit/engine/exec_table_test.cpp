#include "engine/exec_table.hpp"

#include <boost/test/unit_test.hpp>
#include <thread>

#include "base/error.hpp"

using namespace davit;
using namespace davit::engine;

namespace {

Exec makeExec(const std::string& id) {
    Exec exec;
    exec.id = id;
    exec.container_id = "c";
    return exec;
}

bool conflicts(const Error& failure) { return failure.code() == Code::conflict; }

}  // namespace

BOOST_AUTO_TEST_SUITE(exec_table_suite)

BOOST_AUTO_TEST_CASE(an_exec_is_started_once) {
    ExecTable table;
    table.add(makeExec("e"));
    (void)table.claim("e");
    BOOST_CHECK_EXCEPTION((void)table.claim("e"), Error, conflicts);
    table.started("e", 12);
    BOOST_TEST(table.get("e").running);
    BOOST_TEST(!table.ended("unknown", 5));
    BOOST_TEST(table.ended("e", 5));
    BOOST_TEST(!table.get("e").running);
    BOOST_TEST(table.get("e").exit_code.value() == 5);
    BOOST_CHECK_EXCEPTION((void)table.claim("e"), Error, conflicts);
}

BOOST_AUTO_TEST_CASE(an_end_before_the_start_was_answered_stays_an_end) {
    ExecTable table;
    table.add(makeExec("e"));
    (void)table.claim("e");
    table.ended("e", 0);
    table.started("e", 12);
    BOOST_TEST(!table.get("e").running);
}

BOOST_AUTO_TEST_CASE(who_waits_for_a_start_waits_for_one_under_way_only) {
    ExecTable table;
    const auto far = std::chrono::steady_clock::now() + std::chrono::hours(1);
    table.waitStarted("none", far);
    table.add(makeExec("e"));
    table.waitStarted("e", far);
    (void)table.claim("e");
    bool was_running = false;
    std::thread waiter([&] {
        table.waitStarted("e", far);
        was_running = table.get("e").running;
    });
    table.started("e", 12);
    waiter.join();
    BOOST_TEST(was_running);
    table.ended("e", 0);
    table.waitStarted("e", far);
    table.add(makeExec("failed"));
    (void)table.claim("failed");
    table.waitStarted("failed", std::chrono::steady_clock::now());
    std::thread other([&] { table.waitStarted("failed", far); });
    table.ended("failed", 126);
    other.join();
}

BOOST_AUTO_TEST_CASE(the_containers_end_is_that_of_its_execs) {
    ExecTable table;
    table.add(makeExec("run"));
    table.add(makeExec("new"));
    (void)table.claim("run");
    table.started("run", 12);
    BOOST_TEST(table.endAll("c") == std::vector<std::string>{"run"}, boost::test_tools::per_element());
    BOOST_TEST(!table.ended("run", 0));
    BOOST_TEST(table.get("run").exit_code.value() == 137);
    BOOST_TEST(!table.get("new").exit_code.has_value());
    table.forget("c");
    BOOST_CHECK_EXCEPTION((void)table.get("run"), Error, [](const Error& failure) {
        return failure.code() == Code::not_found && failure.text() == "No such exec instance: run";
    });
}

BOOST_AUTO_TEST_SUITE_END()
