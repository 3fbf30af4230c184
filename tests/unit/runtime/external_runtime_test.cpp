#include "runtime/external_runtime.hpp"

#include <boost/test/unit_test.hpp>

#include "base/json.hpp"
#include "shim_fixture.hpp"

namespace davit::runtime::test {
namespace {

BOOST_AUTO_TEST_SUITE(external_runtime)

BOOST_AUTO_TEST_CASE(docker_s_exit_codes_are_read_from_the_text) {
    BOOST_TEST(exitCodeOfText("exec: \"x\": executable file not found in $PATH: unknown") == 127);
    BOOST_TEST(exitCodeOfText("exec: \"/x\": stat /x: no such file or directory") == 127);
    BOOST_TEST(exitCodeOfText("exec: \"/x\": Permission denied") == 126);
    BOOST_TEST(exitCodeOfText("exec: \"/tmp\": is a directory") == 126);
    BOOST_TEST(exitCodeOfText("error mounting \"/a\": not a directory") == 127);
    BOOST_TEST(exitCodeOfText("cannot set the limit") == 128);
}

BOOST_AUTO_TEST_CASE(the_last_error_of_a_log_is_the_cause) {
    const TempDir dir{"/tmp", "davit-external-test-"};
    const auto log = dir.path() / "create.log";
    writeFileAtomically(log, R"({"level":"error","msg":"first","time":"t"}
{"level":"warning","msg":"no cause","time":"t"}
{"level":"error","msg":"second: No such file or directory","time":"t"}
{"level":"debug","msg":"nor this"}
{"level":"err)");
    BOOST_TEST(takeExternalError(log, "fallback") == "second: no such file or directory");
    BOOST_TEST(!std::filesystem::exists(log));
    BOOST_TEST(takeExternalError(log, "fallback") == "fallback");
}

BOOST_AUTO_TEST_CASE(a_process_is_cut_where_its_ids_come_in) {
    oci::Process process;
    process.args = {"\"user\":{\"uid\":0,\"gid\":0"};
    process.user = {.umask = 022, .additional_gids = {7}, .username = "somebody", .group_names = {"staff"}};
    const SplitJson split = externalProcess(process);
    const json::Document whole = json::Document::parse(split.head + R"("uid":12,"gid":34,"additionalGids":[34,56])" + split.tail);
    const oci::Process read = oci::parseProcess(whole.root().text());
    BOOST_TEST(read.user.uid == 12U);
    BOOST_TEST(read.user.gid == 34U);
    BOOST_TEST(read.user.umask.value_or(0) == 022U);
    BOOST_TEST(read.user.username.empty());
    BOOST_TEST(whole.root()["user"]["groupNames"].isNull());
    BOOST_TEST(read.args.front() == process.args.front());
}

/// A counter in the log that stands still while the container is frozen.
void pauseAndResume(ShimFixture& fixture, const char* runtime) {
    StartRequest start = fixture.request({"sh", "-c", "while :; do echo x; sleep 0.01; done"});
    start.external_runtime = runtime;
    const std::filesystem::path log = start.log.path;
    Events events;
    const auto shim = Shim::start(fixture.monitor, std::move(start), events.handlers());
    const auto grows = [&] {
        const auto size = std::filesystem::file_size(log);
        for (int i = 0; i < 100 && std::filesystem::file_size(log) == size; ++i) ::usleep(10'000);
        return std::filesystem::file_size(log) != size;
    };
    BOOST_TEST(grows());
    shim->pause();
    BOOST_TEST(shim->state().paused);
    ::usleep(50'000);  // what was on its way into the log
    BOOST_TEST(!grows());
    shim->resume();
    BOOST_TEST(!shim->state().paused);
    BOOST_TEST(grows());
    shim->kill(SIGKILL);
    BOOST_TEST(events.waitExit().code == 137);
    shim->release();
}

BOOST_FIXTURE_TEST_CASE(runc_pauses_and_resumes, ShimFixture) { pauseAndResume(*this, "runc"); }
BOOST_FIXTURE_TEST_CASE(davit_runtime_pauses_and_resumes, ShimFixture) { pauseAndResume(*this, DAVIT_RUNTIME); }

BOOST_FIXTURE_TEST_CASE(nothing_is_left_in_the_run_directory, ShimFixture) {
    StartRequest start = request({"true"});
    start.external_runtime = "runc";
    const std::filesystem::path run_dir = start.run_dir;
    Events events;
    const auto shim = Shim::start(monitor, std::move(start), events.handlers());
    BOOST_TEST(events.waitExit().code == 0);
    shim->release();
    std::vector<std::string> left;
    for (const auto& entry : std::filesystem::directory_iterator(run_dir)) left.push_back(entry.path().filename());
    std::sort(left.begin(), left.end());
    BOOST_TEST(left == (std::vector<std::string>{"exit", "state"}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_failed_start_has_the_runtime_s_own_words, ShimFixture) {
    StartRequest start = request({"no-such-program"});
    start.external_runtime = "runc";
    Events events;
    const auto named = [](const StartError& failure) {
        return failure.exitCode() == 127 &&
               failure.text().starts_with("failed to create task for container: failed to create shim task: OCI runtime create "
                                          "failed: runc create failed: unable to start container process: exec: \"no-such-program\": "
                                          "executable file not found in $PATH");
    };
    BOOST_CHECK_EXCEPTION((void)Shim::start(monitor, std::move(start), events.handlers()), StartError, named);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace davit::runtime::test
