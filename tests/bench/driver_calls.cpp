// What one call of a volume driver costs, with everything that the daemon's side does for it: in process, and over a kept connection to
// a process of its own.
//
//     davit-driver-calls PLUGIN.so FOLDER      prints "what <tab> median µs" lines
//
// Beside them the kernel's own floor: a message there and back between two processes that do nothing else.
#include <fmt/core.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <vector>

#include "base/check.hpp"
#include "base/json.hpp"
#include "davit/wire_volume.hpp"
#include "plugin/call_tap.hpp"
#include "plugin/caller.hpp"
#include "plugin/foreign_server.hpp"
#include "plugin/host_process.hpp"
#include "plugin/in_process_transport.hpp"
#include "plugin/loader.hpp"

namespace {

using namespace davit;
using namespace std::chrono_literals;

constexpr int kWarm = 1000;
constexpr int kCalls = 20000;

double median(std::vector<double>& times) {
    std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
    return times[times.size() / 2];
}

void measure(const char* what, std::shared_ptr<plugin::Transport> transport) {
    // A question that costs the driver nothing: what is left is the way there and back, messages made and read, with the tap that the
    // daemon's calls pass and nobody who listens.
    const plugin::CallTap tap(std::make_shared<plugin::CallTrace>(), {});
    const plugin::Caller caller(std::make_shared<plugin::TracedTransport>(std::move(transport), tap));
    std::vector<double> times;
    times.reserve(kCalls);
    for (int i = 0; i < kWarm + kCalls; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        (void)caller.ask(wire::volume::kCapabilities, {});
        const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
        if (i >= kWarm) times.push_back(took.count());
    }
    fmt::print("{}\t{:.2f}\n", what, median(times));
}

void measureFloor() {
    int ends[2];
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "make a socket pair");
    const UniqueFd near(ends[0]), far(ends[1]);
    std::array<char, 256> message{};
    const pid_t echo = check(::fork(), "fork");
    if (echo == 0) {
        (void)::close(near.get());
        while (::read(far.get(), message.data(), message.size()) > 0 && ::write(far.get(), message.data(), message.size()) > 0) {}
        ::_exit(0);
    }
    std::vector<double> times;
    times.reserve(kCalls);
    for (int i = 0; i < kCalls; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        check(::write(near.get(), message.data(), message.size()), "write");
        check(::read(near.get(), message.data(), message.size()), "read");
        times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    }
    (void)::shutdown(near.get(), SHUT_RDWR);
    (void)::waitpid(echo, nullptr, 0);
    fmt::print("a message there and back, nothing else\t{:.2f}\n", median(times));
}

std::string config(const std::filesystem::path& root) {
    json::Writer out;
    out.object([&] { out.member("Root", root.string()); });
    return out.take();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    (void)::signal(SIGPIPE, SIG_IGN);
    try {
        measureFloor();
        const std::filesystem::path folder = argv[2];
        const davit_plugin& loaded = plugin::loadPlugin(argv[1]);
        const std::string first = config(folder / "first");
        measure("a call in process", std::make_shared<plugin::InProcessTransport>(
                                         **loaded.drivers, plugin::OpenOptions{.config_json = first, .engine_version = {}, .log = {}}));
        plugin::HostProcess process({.host_binary = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "davit-plugin-host",
                                     .file = std::filesystem::absolute(argv[1]),
                                     .socket = folder / "driver.sock",
                                     .driver = (*loaded.drivers)->name,
                                     .config_json = config(folder / "second"),
                                     .log = {},
                                     .state_directory = folder / "state"});
        (void)process.waitReady(15s);
        measure("a call over a kept connection", std::make_shared<plugin::HttpTransport>(plugin::unixAddress(process.socket())));
    } catch (const std::exception& e) {
        fmt::print(stderr, "davit-driver-calls: {}\n", e.what());
        return 1;
    }
    return 0;
}
