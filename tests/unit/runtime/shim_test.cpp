#include "runtime/shim_client.hpp"

#include "shim_fixture.hpp"

using namespace davit;
using namespace davit::runtime;
using namespace davit::runtime::test;

BOOST_FIXTURE_TEST_SUITE(shim, ShimFixture)

BOOST_AUTO_TEST_CASE(a_program_runs_and_its_exit_code_is_kept) {
    StartRequest start = request({"sh", "-c", "echo hello; echo oops >&2; exit 7"});
    const auto run_dir = start.run_dir;
    const auto log = start.log.path;
    Events events;
    auto shim = Shim::start(monitor, std::move(start), events.handlers());
    BOOST_TEST(shim->pid() > 0);
    BOOST_TEST(events.waitExit().code == 7);
    BOOST_TEST(waitExitFile(run_dir).code == 7);
    const std::string text = readFile(log).value();
    BOOST_TEST(text.find("{\"log\":\"hello\\n\",\"stream\":\"stdout\",\"time\":\"20") != std::string::npos, text);
    BOOST_TEST(text.find("{\"log\":\"oops\\n\",\"stream\":\"stderr\"") != std::string::npos, text);
    shim->release();
    BOOST_TEST(!std::filesystem::exists(run_dir / "shim.sock"));
}

BOOST_AUTO_TEST_CASE(a_missing_program_is_127_and_one_without_permission_126) {
    const auto failure = [&](std::vector<std::string> args) -> std::pair<int, std::string> {
        Events events;
        try {
            (void)Shim::start(monitor, request(std::move(args)), events.handlers());
        } catch (const StartError& error) {
            return {error.exitCode(), error.text()};
        }
        return {0, "started"};
    };
    const std::string prefix = "failed to create task for container: OCI runtime create failed: unable to start container process: ";
    auto [missing, missing_text] = failure({"nosuch"});
    BOOST_TEST(missing == 127);
    BOOST_TEST(missing_text == prefix + "exec: \"nosuch\": executable file not found in $PATH");
    auto [path, path_text] = failure({"/nosuch"});
    BOOST_TEST(path == 127);
    BOOST_TEST(path_text == prefix + "exec: \"/nosuch\": stat /nosuch: no such file or directory");
    auto [denied, denied_text] = failure({"/etc/passwd"});
    BOOST_TEST(denied == 126);
    BOOST_TEST(denied_text == prefix + "exec: \"/etc/passwd\": permission denied");
    auto [directory, directory_text] = failure({"/etc"});
    BOOST_TEST(directory == 126);
    BOOST_TEST(directory_text == prefix + "exec: \"/etc\": is a directory: permission denied");
}

/// What one stream's frames carry, in however many pieces it came.
static std::string contentOf(const std::string& framed, char stream) {
    std::string content;
    for (std::size_t at = 0; at + 8 <= framed.size();) {
        std::uint32_t size = 0;
        for (int i = 4; i < 8; ++i) size = size << 8U | static_cast<unsigned char>(framed[at + static_cast<std::size_t>(i)]);
        if (framed[at] == stream) content += framed.substr(at + 8, size);
        at += 8 + size;
    }
    return content;
}

BOOST_AUTO_TEST_CASE(a_client_attached_before_the_start_gets_frames_and_gives_input) {
    StartRequest start = request({"sh", "-c", "cat; echo end >&2"});
    start.open_stdin = start.stdin_once = true;
    Terminal terminal;
    start.attachments.push_back(terminal.attachment(true, true));
    start.attachments.back().early = "early ";
    Events events;
    auto shim = Shim::start(monitor, std::move(start), events.handlers());
    terminal.write("and late\n");
    terminal.endInput();
    const std::string output = terminal.read();
    BOOST_TEST(contentOf(output, 1) == "early and late\n");
    BOOST_TEST(contentOf(output, 2) == "end\n");
    BOOST_TEST(events.waitExit().code == 0);
}

BOOST_AUTO_TEST_CASE(a_terminal_is_raw_resizable_and_detachable) {
    StartRequest start = request({"sh", "-c", "stty size; tty; read line; stty size; echo got:$line; sleep 100"});
    start.spec.process.terminal = start.tty = start.open_stdin = true;
    start.spec.process.console_size = {33, 99};
    Terminal terminal;
    start.attachments.push_back(terminal.attachment(true));
    Events events;
    auto shim = Shim::start(monitor, std::move(start), events.handlers());
    const std::string first = terminal.read("/dev/pts/0");
    BOOST_TEST(first.find("33 99") != std::string::npos, first);
    shim->resize(11, 44);
    terminal.write("abc\n");
    const std::string second = terminal.read("got:abc");
    BOOST_TEST(second.find("11 44") != std::string::npos, second);
    terminal.write("\x10\x11");  // ctrl-p ctrl-q
    BOOST_TEST(events.wait([&] { return events.detached.size() == 1; }));
    (void)terminal.read();  // ends
    shim->kill(SIGKILL);
    BOOST_TEST(events.waitExit().code == 137);
}

BOOST_AUTO_TEST_CASE(exec_runs_in_the_container_with_its_own_streams_and_code) {
    Events events;
    auto shim = Shim::start(monitor, request({"sleep", "1000"}), events.handlers());
    ExecRequest exec;
    exec.exec_id = "first";
    exec.process = defaultSpec(root, {"sh", "-c", "echo $0 $$; hostname; cat; exit 3"}).process;
    exec.open_stdin = true;
    Terminal terminal;
    exec.attachment = terminal.attachment(true);
    BOOST_TEST(shim->exec(std::move(exec)) > 0);
    terminal.write("input");
    terminal.endInput();
    const std::string output = terminal.read();
    BOOST_TEST(output.find("busybox\ninput") != std::string::npos, output);
    BOOST_TEST(events.wait([&] { return events.exec_codes.size() == 1; }));
    BOOST_TEST(events.exec_codes[0].first == "first");
    BOOST_TEST(events.exec_codes[0].second == 3);

    ExecRequest missing;
    missing.exec_id = "second";
    missing.process = defaultSpec(root, {"nosuch"}).process;
    try {
        (void)shim->exec(std::move(missing));
        BOOST_ERROR("started");
    } catch (const StartError& error) {
        BOOST_TEST(error.exitCode() == 127);
    }
    BOOST_TEST(shim->state().running_execs.empty());
    shim->kill(SIGKILL);
    (void)events.waitExit();
}

BOOST_AUTO_TEST_CASE(the_container_outlives_the_daemon_and_is_found_again) {
    StartRequest start = request({"sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done"});
    const auto run_dir = start.run_dir;
    {
        Terminal terminal;
        start.attachments.push_back(terminal.attachment(false));
        Events unused;
        auto shim = Shim::start(monitor, std::move(start), unused.handlers());
        (void)terminal.read("ready");
    }
    Events events;
    auto again = Shim::reconnect(monitor, run_dir, events.handlers());
    BOOST_REQUIRE(again);
    BOOST_TEST(again->state().running);
    again->kill(SIGTERM);
    BOOST_TEST(events.waitExit().code == 5);
    again->release();
    BOOST_TEST(!Shim::reconnect(monitor, run_dir, {}));
    BOOST_TEST(waitExitFile(run_dir).code == 5);
}

BOOST_AUTO_TEST_CASE(a_killed_shim_ends_its_container) {
    StartRequest start = request({"sleep", "1000"});
    const auto run_dir = start.run_dir;
    Events events;
    auto shim = Shim::start(monitor, std::move(start), events.handlers());
    const pid_t init = shim->pid();
    const std::string status = readFile("/proc/" + std::to_string(init) + "/status").value();
    const pid_t shim_pid = std::atoi(status.c_str() + status.find("PPid:") + 5);
    BOOST_REQUIRE(shim_pid > 1);
    ::kill(shim_pid, SIGKILL);
    BOOST_TEST(events.waitExit().code == 137);
    BOOST_TEST(!std::filesystem::exists(run_dir / "cgroups"));
    // A zombie that the machine's process 1 hasn't collected yet is as good as gone.
    const auto lives = [&] {
        const std::string stat = readFile("/proc/" + std::to_string(init) + "/stat").value_or("");
        return !stat.empty() && stat[stat.rfind(')') + 2] != 'Z';
    };
    for (int i = 0; i < 200 && lives(); ++i) ::usleep(10000);
    BOOST_TEST(!lives());
}

BOOST_AUTO_TEST_SUITE_END()
