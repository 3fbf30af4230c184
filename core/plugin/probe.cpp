#include "plugin/probe.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstring>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/process.hpp"
#include "plugin/loader.hpp"

namespace davit::plugin {
namespace {

using std::chrono::milliseconds;

// A descriptor is some hundred bytes per driver.
constexpr std::size_t kMaxOutput = std::size_t{256} << 10U;

milliseconds left(SteadyTime deadline) {
    const auto now = std::chrono::steady_clock::now();
    return now >= deadline ? milliseconds(0) : std::chrono::ceil<milliseconds>(deadline - now);
}

// Everything that the child prints until it closes its end; std::nullopt when the deadline passes first.
std::optional<std::string> readOutput(int fd, SteadyTime deadline) {
    std::string text;
    char buffer[4096];
    while (text.size() <= kMaxOutput) {
        pollfd entry{fd, POLLIN, 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(left(deadline).count()));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return std::nullopt;
        const ssize_t got = check(::read(fd, buffer, sizeof buffer), "read the probe's output");
        if (got == 0) return text;
        text.append(buffer, static_cast<std::size_t>(got));
    }
    throw Error(Code::invalid, "the probe printed too much");
}

ProbeResult parse(const std::string& text, const std::filesystem::path& file) {
    const json::Document document = json::Document::parse(text, 16);
    const json::Value root = document.root();
    if (const json::Value failure = root["Error"]) throw Error(Code::invalid, failure.string());
    ProbeResult result{.name = root["Name"].string(),
                       .version = root["Version"].string(),
                       .vendor = root["Vendor"].string(),
                       .license = root["License"].string(),
                       .abi_major = static_cast<unsigned>(root["ABIMajor"].unsignedInteger()),
                       .abi_minor = static_cast<unsigned>(root["ABIMinor"].unsignedInteger()),
                       .drivers = {}};
    for (const json::Value driver : root["Drivers"].array())
        result.drivers.push_back({static_cast<DriverKind>(driver["Kind"].integer()), driver["Name"].string(),
                                  driver["Description"].string()});
    if (result.drivers.empty()) throw error(Code::invalid, "{}: the probe named no driver", file.native());
    return result;
}

}  // namespace

ProbeResult probe(const std::filesystem::path& host_binary, const std::filesystem::path& file, milliseconds timeout) {
    int ends[2];
    check(::pipe2(ends, O_CLOEXEC), "make a pipe");
    const UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    const SteadyTime deadline = std::chrono::steady_clock::now() + timeout;
    ChildProcess child =
        ChildProcess::spawn({.program = host_binary.native(),
                             .args = {host_binary.native(), "--probe", file.native()},
                             .env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
                             .stdout_fd = write_end.get(),
                             .inherit = {}});
    write_end.reset();
    const std::optional<std::string> output = readOutput(read_end.get(), deadline);
    const std::optional<ExitStatus> status = output ? child.wait(left(deadline)) : std::nullopt;
    if (!status)  // the child is killed by its owner's end
        throw error(Code::deadline, "{}: didn't finish loading within {} ms", file.native(), timeout.count());
    if (status->signal != 0)
        throw error(Code::invalid, "{}: crashed while it was loaded ({})", file.native(), ::strsignal(status->signal));
    if (output->empty())
        throw error(Code::invalid, "{}: ended the process while it was loaded (exit code {})", file.native(),
                    status->code);
    try {
        return parse(*output, file);
    } catch (const Error& e) {
        if (e.text().starts_with(file.native())) throw;
        throw error(Code::invalid, "{}: bad answer of the probe: {}", file.native(), e.text());
    }
}

std::string describePlugin(const std::filesystem::path& file) {
    const davit_plugin& plugin = loadPlugin(file);
    const auto text = [](const char* maybe) { return std::string_view(maybe != nullptr ? maybe : ""); };
    json::Writer out;
    out.object([&] {
        out.member("Name", text(plugin.name)).member("Version", text(plugin.version));
        out.member("Vendor", text(plugin.vendor)).member("License", text(plugin.license));
        out.member("ABIMajor", plugin.abi_major).member("ABIMinor", plugin.abi_minor);
        out.array("Drivers", [&] {
            for (const davit_driver* const* driver = plugin.drivers; *driver != nullptr; ++driver)
                out.object([&] {
                    out.member("Kind", (*driver)->kind).member("Name", text((*driver)->name));
                    out.member("Description", text((*driver)->description));
                });
        });
    });
    return out.take();
}

}  // namespace davit::plugin
