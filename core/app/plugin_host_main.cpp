// davit-plugin-host: serves the drivers of a plugin .so over Docker's plugin HTTP protocol, to davitd or to dockerd.
//
//     davit-plugin-host FILE.so --listen unix:///run/docker/plugins/NAME.sock [--config JSON] [--driver NAME] [--state DIR]
//     davit-plugin-host --probe FILE.so
#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "davit/wire.hpp"
#include "plugin/driver_server.hpp"
#include "plugin/server_address.hpp"
#include "plugin/probe.hpp"

namespace {

using namespace davit;

constexpr const char* kUsage =
    "usage: davit-plugin-host FILE.so --listen ADDRESS [--config JSON] [--driver NAME] [--state DIR]\n"
    "       davit-plugin-host --probe FILE.so\n"
    "ADDRESS is unix:///path or tcp://host:port. DIR is where the driver keeps its state (/var/lib/davit-plugins/NAME).\n"
    "Without --config the driver's configuration is that of DAVIT_PLUGIN_CONFIG in the environment.\n";

struct Arguments {
    plugin::DriverChoice choice;
    std::string listen;
    bool probe = false;
    int control_fd = -1;
};

Arguments parse(int argc, char** argv) {
    Arguments result;
    if (const char* config = std::getenv("DAVIT_PLUGIN_CONFIG"); config != nullptr && *config != '\0') result.choice.config_json = config;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        const auto value = [&]() -> std::string {
            if (++i >= argc) throw error(Code::invalid, "{} needs a value\n{}", name, kUsage);
            return argv[i];
        };
        if (name == "--listen")
            result.listen = value();
        else if (name == "--config")
            result.choice.config_json = value();
        else if (name == "--driver")
            result.choice.driver = value();
        else if (name == "--state")
            result.choice.state_directory = std::filesystem::absolute(value());
        else if (name == "--control-fd")
            result.control_fd = std::stoi(value());
        else if (name == "--probe")
            result.probe = true;
        else if (name.starts_with("-") || !result.choice.file.empty())
            throw error(Code::invalid, "unknown argument {}\n{}", name, kUsage);
        else
            result.choice.file = std::filesystem::absolute(name);
    }
    if (result.choice.file.empty() || (result.listen.empty() && !result.probe)) throw Error(Code::invalid, kUsage);
    return result;
}

// What a plugin's constructors print must not stand between the answer and its reader.
int probe(const std::filesystem::path& file) {
    const UniqueFd answer(check(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3), "keep standard output"));
    check(::dup2(STDERR_FILENO, STDOUT_FILENO), "redirect standard output");
    try {
        writeAll(answer.get(), plugin::describePlugin(file) + "\n");
        return 0;
    } catch (const Error& e) {
        json::Writer out;
        out.object([&] { out.member("Error", e.text()); });
        writeAll(answer.get(), out.take() + "\n");
        return 1;
    }
}

int signal_pipe[2] = {-1, -1};

// A pipe and no blocked signals: what a driver executes must not inherit a mask.
void catchSignals() {
    check(::pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK), "make a pipe");
    struct sigaction action {};
    action.sa_handler = [](int) {
        const char byte = 0;
        [[maybe_unused]] const ssize_t ignored = ::write(signal_pipe[1], &byte, 1);  // full: it is readable already
    };
    for (const int number : {SIGTERM, SIGINT}) check(::sigaction(number, &action, nullptr), "catch signal {}", number);
    (void)::signal(SIGPIPE, SIG_IGN);
}

http::Listener listenOn(const std::string& url) {
    const plugin::ServerAddress address = plugin::parseAddress(url);
    if (address.scheme == plugin::ServerAddress::Scheme::tcp) return http::listenTcp(address.host, address.port);
    if (address.scheme != plugin::ServerAddress::Scheme::unix_socket)
        throw error(Code::invalid, "{}: only unix:// and tcp:// can be served", url);
    makeDirectories(std::filesystem::path(address.path).parent_path(), 0755);
    return http::listenUnix({.path = address.path, .mode = 0600});
}

// Until a signal comes, or the engine that started this process is gone.
void waitForEnd(int control_fd) {
    std::array<pollfd, 2> entries{{{signal_pipe[0], POLLIN, 0}, {control_fd, POLLIN, 0}}};
    while (::poll(entries.data(), control_fd >= 0 ? 2 : 1, -1) < 0 && errno == EINTR) continue;
}

int serve(const Arguments& arguments) {
    catchSignals();
    const UniqueFd control(arguments.control_fd);
    if (control) check(::fcntl(control.get(), F_SETFD, FD_CLOEXEC), "keep the control socket from children");
    try {
        plugin::DriverServer drivers(arguments.choice);
        http::Server server({.handler = [&drivers](http::Exchange exchange) { drivers.serve(std::move(exchange)); },
                             .log = [](const std::string& line) { log::write(log::Level::warning, line); }});
        server.listen(listenOn(arguments.listen));
        server.start();
        if (control) writeAll(control.get(), "{}\n");
        waitForEnd(control.get());
        server.stop(std::chrono::seconds(2));
        const plugin::ServerAddress address = plugin::parseAddress(arguments.listen);
        if (!address.path.empty()) (void)::unlink(address.path.c_str());  // somebody else may have removed it
        return 0;
    } catch (const Error& e) {
        if (control)
            writeAll(control.get(), wire::encode(wire::Refusal{.text = e.text(),
                                                               .code = static_cast<int>(e.code()),
                                                               .sys_errno = e.sysErrno()}) +
                                        "\n");
        throw;
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const Arguments arguments = parse(argc, argv);
        return arguments.probe ? probe(arguments.choice.file) : serve(arguments);
    } catch (const std::exception& e) {
        fmt::print(stderr, "davit-plugin-host: {}\n", e.what());
        return 1;
    }
}
