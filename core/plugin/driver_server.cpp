#include "plugin/driver_server.hpp"

#include <optional>

#include "base/check.hpp"
#include "base/json.hpp"
#include "davit/wire.hpp"
#include "plugin/driver_info.hpp"
#include "plugin/loader.hpp"

namespace davit::plugin {
namespace {

const http::Headers& jsonHeaders() {
    static const http::Headers headers{{"Content-Type", "application/vnd.docker.plugins.v1.1+json"}};
    return headers;
}

// A raw answer that begins with its first byte: a driver that refuses before it can still get a status.
class LateStream final : public ByteSink {
  public:
    explicit LateStream(http::Exchange& exchange) : exchange_(exchange) {}
    void write(std::span<const std::byte> data) override { writer().write(data); }
    void finish() { writer().finish(); }

  private:
    http::BodyWriter& writer() {
        if (!writer_) writer_.emplace(exchange_.startStream(200, {{"Content-Type", "application/x-tar"}}));
        return *writer_;
    }
    http::Exchange& exchange_;
    std::optional<http::BodyWriter> writer_;
};

// ApplyDiff's members come in the query, not escaped by dockerd.
std::string requestFromQuery(std::string_view target) {
    const auto mark = target.find('?');
    json::Writer out;
    out.beginObject();
    std::string_view rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        const auto equals = pair.find('=');
        const std::string_view value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
        out.member(pair.substr(0, equals), http::percentDecode(value).value_or(std::string(value)));
    }
    out.endObject();
    return out.take();
}

void refuse(http::Exchange& exchange, const Error& e) {
    const std::string body = wire::encode(
        wire::Refusal{.text = e.text(), .code = static_cast<int>(e.code()), .sys_errno = e.sysErrno()});
    exchange.respond(e.code() == Code::unimplemented ? 404 : 500, jsonHeaders(), body);
}

std::filesystem::path stateDirectory(const DriverChoice& choice, const std::string& driver) {
    if (!choice.state_directory.empty()) return choice.state_directory;
    return std::filesystem::path("/var/lib/davit-plugins") / pathComponent(driver);
}

void logLine(log::Level level, std::string_view text) { log::write(level, text); }

}  // namespace

DriverServer::DriverServer(const DriverChoice& choice) {
    const davit_plugin& plugin = loadPlugin(choice.file);
    for (const davit_driver* const* entry = plugin.drivers; *entry != nullptr; ++entry) {
        const davit_driver& driver = **entry;
        if (!choice.driver.empty() && choice.driver != driver.name) continue;
        const std::string interface(interfaceName(static_cast<DriverKind>(driver.kind)));
        if (by_interface_.contains(interface))
            throw error(Code::conflict, "{}: several drivers for {}: choose one with --driver", choice.file.native(),
                        interface);
        by_interface_.emplace(interface,
                              std::make_unique<InProcessTransport>(
                                  driver, OpenOptions{.config_json = choice.config_json,
                                                              .engine_version = "",
                                                              .log = &logLine,
                                                              .state_directory = stateDirectory(choice, driver.name)}));
    }
    if (by_interface_.empty())
        throw error(Code::not_found, "{}: no driver \"{}\"", choice.file.native(), choice.driver);
}

void DriverServer::serve(http::Exchange exchange) {
    std::string_view method = exchange.request().target;
    method = method.substr(0, method.find('?'));
    if (method.starts_with('/')) method.remove_prefix(1);
    const std::string name(method);
    try {
        const std::string reply = call(exchange, name);
        if (!exchange.answered()) exchange.respond(200, jsonHeaders(), reply.empty() ? "{}" : reply);
    } catch (const Error& e) {
        // A raw answer that has begun can only be cut: the client sees that it is no complete one.
        if (!exchange.answered()) refuse(exchange, e);
    }
}

std::string DriverServer::call(http::Exchange& exchange, std::string_view method) {
    if (method == "Plugin.Activate") {
        json::Writer out;
        out.object([&] {
            out.array("Implements", [&] {
                for (const auto& [interface, transport] : by_interface_) out.value(interface);
            });
        });
        return out.take();
    }
    const auto found = by_interface_.find(method.substr(0, method.find('.')));
    if (found == by_interface_.end()) unimplemented(method);
    InProcessTransport& driver = *found->second;
    const auto timeout = methodTimeout(method);
    // Shared with the reactor's thread, which may still run the notice while this one returns.
    const auto gone = std::make_shared<std::atomic<bool>>(false);
    exchange.onDisconnect([gone] { *gone = true; });
    switch (wire::rawStreamOf(method)) {
        case wire::RawStream::in: {
            const std::string request = requestFromQuery(exchange.request().target);
            return driver.call({.method = method, .request = request, .body = &exchange.body(), .timeout = timeout, .cancelled = gone.get()});
        }
        case wire::RawStream::out: {
            const std::string request = exchange.readBody();
            LateStream stream(exchange);
            driver.call({.method = method, .request = request, .stream = &stream, .timeout = timeout, .cancelled = gone.get()});
            stream.finish();
            return {};
        }
        case wire::RawStream::none: break;
    }
    const std::string request = exchange.readBody();
    return driver.call({.method = method, .request = request, .timeout = timeout, .cancelled = gone.get()});
}

}  // namespace davit::plugin
