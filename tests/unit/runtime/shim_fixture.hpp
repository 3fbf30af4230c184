// A container made of busybox for the tests of launcher and shim: own directories, own control group, real kernel.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "base/file.hpp"
#include "base/id.hpp"
#include "linux/capability.hpp"
#include "linux/cgroup.hpp"
#include "linux/seccomp.hpp"
#include "runtime/shim_client.hpp"

namespace davit::runtime::test {

using namespace std::chrono_literals;

/// Everything scales with it on slow (emulated) machines.
inline std::chrono::seconds patience() {
    const char* scale = std::getenv("DAVIT_TEST_SCALE");
    return 20s * (scale != nullptr ? std::max(1, std::atoi(scale)) : 1);
}

/// A root file system of one static program under its many names.
inline std::filesystem::path makeRoot(const std::filesystem::path& parent) {
    const std::filesystem::path root = parent / "root";
    for (const char* directory : {"bin", "etc", "proc", "sys", "dev", "tmp", "root", "home"})
        std::filesystem::create_directories(root / directory);
    std::filesystem::copy_file("/bin/busybox", root / "bin/busybox");
    for (const char* name : {"sh", "cat", "echo", "true", "false", "id", "sleep", "kill", "ls", "ps", "mount", "hostname", "stty",
                             "tty", "head", "yes", "pwd", "env", "dd", "mknod", "grep", "wc", "readlink", "mkdir", "touch",
                             "stat", "test", "printf", "sort", "tr", "awk", "sed", "rm", "chmod", "sync", "umount"})
        std::filesystem::create_symlink("busybox", root / "bin" / name);
    writeFileAtomically(root / "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1001::/home/user:/bin/sh\n1000:x:0:0::/:\n", 0644);
    writeFileAtomically(root / "etc/group", "root:x:0:root\nwheel:x:10:root\nstaff:x:50:user\nadm:x:4:\n", 0644);
    return root;
}

/// Docker's default posture as far as these tests look at it.
inline oci::RuntimeSpec defaultSpec(const std::filesystem::path& root, std::vector<std::string> args) {
    oci::RuntimeSpec spec;
    spec.root.path = root.string();
    spec.hostname = "busybox";
    spec.process.args = std::move(args);
    spec.process.env = {"PATH=/bin"};
    spec.process.user.username = "0";
    const std::vector<std::string> caps = linux::defaultCapabilities();
    spec.process.capabilities = oci::Capabilities{caps, caps, {}, caps, {}};
    spec.mounts = {{"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}, {}, {}},
                   {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}, {}, {}},
                   {"/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}, {}, {}},
                   {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}, {}, {}},
                   {"/sys/fs/cgroup", "cgroup", "cgroup", {"ro", "nosuid", "noexec", "nodev"}, {}, {}},
                   {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}, {}, {}},
                   {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=67108864"}, {}, {}}};
    for (const char* type : {"mount", "pid", "network", "ipc", "uts"}) spec.os.namespaces.push_back({type, ""});
    spec.os.masked_paths = {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware", "/proc/acpi"};
    spec.os.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
    spec.os.resources.devices = {{false, "a", {}, {}, "rwm"}};
    spec.os.seccomp.emplace().profile = std::string(linux::defaultSeccompProfile());
    return spec;
}

/// Waits for the events of one container.
class Events {
  public:
    ShimEvents handlers() {
        ShimEvents events;
        events.exited = [this](const ExitInfo& info) { set([&] { exit = info; }); };
        events.exec_exited = [this](const std::string& id, int code) { set([&] { exec_codes.emplace_back(id, code); }); };
        events.detached = [this](const std::string& id) { set([&] { detached.push_back(id); }); };
        events.oom = [this] { set([&] { ++ooms; }); };
        return events;
    }
    template <typename Predicate>
    bool wait(Predicate predicate) {
        std::unique_lock<std::mutex> lock(mutex_);
        return changed_.wait_for(lock, patience(), predicate);
    }
    ExitInfo waitExit() {
        BOOST_REQUIRE_MESSAGE(wait([this] { return exit.has_value(); }), "the container didn't end");
        return *exit;
    }

    std::optional<ExitInfo> exit;
    std::vector<std::pair<std::string, int>> exec_codes;
    std::vector<std::string> detached;
    int ooms = 0;

  private:
    template <typename Change>
    void set(Change change) {
        const std::lock_guard<std::mutex> lock(mutex_);
        change();
        changed_.notify_all();
    }
    std::mutex mutex_;
    std::condition_variable changed_;
};

/// What the shim left for a daemon that isn't there. It writes that after it told whoever is.
inline ExitInfo waitExitFile(const std::filesystem::path& run_dir) {
    for (const auto end = std::chrono::steady_clock::now() + patience(); std::chrono::steady_clock::now() < end;) {
        if (const auto exit = Shim::readExit(run_dir)) return *exit;
        std::this_thread::sleep_for(5ms);
    }
    BOOST_FAIL("no exit file in " << run_dir);
    return {};
}

/// The client's end of an attach.
class Terminal {
  public:
    Terminal() {
        int pair[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        ours_.reset(pair[0]);
        theirs_.reset(pair[1]);
    }
    Attachment attachment(bool input, bool framed = false) {
        Attachment client;
        client.options.stdin_ = input;
        client.options.stdout_ = client.options.stderr_ = true;
        client.options.multiplexed = framed;
        client.socket = std::move(theirs_);
        return client;
    }
    void write(std::string_view text) { writeAll(ours_.get(), text); }
    void endInput() { ::shutdown(ours_.get(), SHUT_WR); }
    void close() { ours_.reset(); }
    /// Until the end, or until `text` was seen.
    std::string read(std::string_view until = {}) {
        std::string all;
        char block[65536];
        while (until.empty() || all.find(until) == std::string::npos) {
            struct pollfd wait = {ours_.get(), POLLIN, 0};
            if (::poll(&wait, 1, static_cast<int>(patience().count() * 1000)) <= 0) {
                BOOST_ERROR("nothing to read; so far: " << all);
                break;
            }
            const ssize_t count = ::read(ours_.get(), block, sizeof block);
            if (count <= 0) break;
            all.append(block, static_cast<std::size_t>(count));
        }
        return all;
    }

  private:
    UniqueFd ours_;
    UniqueFd theirs_;
};

struct ShimFixture {
    ShimFixture() : root(makeRoot(dir.path())), monitor({DAVIT_SHIM, dir.path() / "seccomp"}) {}
    ~ShimFixture() {
        // The last container's clean-up belongs to the test: nothing may be left in the group.
        for (const char* controller : {"", "memory/", "pids/", "devices/", "freezer/", "cpu/", "cpuacct/", "cpuset/", "blkio/", "systemd/"})
            ::rmdir((std::string("/sys/fs/cgroup/") + controller + group).c_str());
    }

    StartRequest request(std::vector<std::string> args) {
        StartRequest start;
        start.id = randomId();
        start.run_dir = dir.path() / "run" / start.id;
        start.log.path = dir.path() / (start.id + "-json.log");
        start.spec = defaultSpec(root, std::move(args));
        start.spec.os.cgroups_path = "/" + group + "/" + start.id;
        return start;
    }

    /// Runs a shell script and returns what it printed, standard error included.
    std::string run(const std::string& script, int expected = 0, void (*change)(StartRequest&) = nullptr) {
        StartRequest start = request({"sh", "-c", script});
        if (change != nullptr) change(start);
        Terminal terminal;
        start.attachments.push_back(terminal.attachment(false));
        Events events;
        auto shim = Shim::start(monitor, std::move(start), events.handlers());
        const std::string output = terminal.read();
        BOOST_TEST(events.waitExit().code == expected, "output: " << output);
        shim->release();
        return output;
    }

    TempDir dir{"/tmp", "davit-shim-test-"};
    std::string group = "davit-test-" + std::to_string(::getpid());
    std::filesystem::path root;
    ShimMonitor monitor;
};

}  // namespace davit::runtime::test
