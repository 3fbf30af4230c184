#include "base/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(process_)

BOOST_AUTO_TEST_CASE(exit_code_and_signal_are_told_apart) {
    auto exits = ChildProcess::spawn({.program = "/bin/sh", .args = {"sh", "-c", "exit 7"}, .env = {}, .inherit = {}});
    BOOST_TEST(exits.wait()->dockerCode() == 7);
    auto dies = ChildProcess::spawn({.program = "/bin/sh", .args = {"sh", "-c", "kill -9 $$"}, .env = {}, .inherit = {}});
    BOOST_TEST(dies.wait()->dockerCode() == 137);
}

BOOST_AUTO_TEST_CASE(a_missing_program_is_an_error_here) {
    try {
        (void)ChildProcess::spawn({.program = "/nonexistent", .args = {"x"}, .env = {}, .inherit = {}});
        BOOST_ERROR("started");
    } catch (const Error& failure) {
        BOOST_TEST(failure.sysErrno() == ENOENT);
    }
}

BOOST_AUTO_TEST_CASE(waiting_has_a_deadline_and_destruction_kills) {
    auto sleeper = ChildProcess::spawn({.program = "/bin/sleep", .args = {"sleep", "1000"}, .env = {}, .inherit = {}});
    BOOST_TEST(!sleeper.wait(10ms));
    BOOST_TEST(sleeper.signal(SIGTERM));
    BOOST_TEST(sleeper.wait()->signal == SIGTERM);
    BOOST_TEST(!sleeper.signal(SIGTERM));
}

BOOST_AUTO_TEST_CASE(inherited_descriptors_start_at_three_and_no_other_passes) {
    int pipe_fds[2];
    BOOST_REQUIRE(::pipe2(pipe_fds, O_CLOEXEC) == 0);
    const UniqueFd reader(pipe_fds[0]);
    UniqueFd writer(pipe_fds[1]);
    const UniqueFd leaky(::open("/dev/null", O_RDONLY));  // no O_CLOEXEC on purpose
    auto child = ChildProcess::spawn(
        {.program = "/bin/sh", .args = {"sh", "-c", "echo /proc/self/fd/* >&3"}, .env = {}, .inherit = {writer.get()}});
    writer.reset();
    BOOST_TEST(child.wait()->code == 0);
    char text[256] = {};
    BOOST_TEST(::read(reader.get(), text, sizeof text) > 0);
    BOOST_TEST(std::string(text).find("/proc/self/fd/3") != std::string::npos);
    BOOST_TEST(std::string(text).find("/proc/self/fd/" + std::to_string(leaky.get())) == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
