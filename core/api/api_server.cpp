#include "api/api_server.hpp"

#include <algorithm>

#include "api/errors.hpp"
#include "api/handlers/handlers.hpp"
#include "base/check.hpp"
#include "base/log.hpp"

namespace davit::api {
namespace {

constexpr std::string_view kJson = "application/json";

// Docker's texts for clients that are too new or too old.
ApiVersion checkVersion(const std::string& text) {
    const auto version = ApiVersion::parse(text);
    if (!version) throw error(Code::invalid, "invalid API version \"{}\"", text);
    if (*version > *ApiVersion::parse(engine::kApiVersion))
        throw error(Code::invalid, "client version {} is too new. Maximum supported API version is {}", text,
                    engine::kApiVersion);
    if (*version < *ApiVersion::parse(engine::kMinApiVersion))
        throw error(
            Code::invalid,
            "client version {} is too old. Minimum supported API version is {}, please upgrade your client to a "
            "newer version",
            text, engine::kMinApiVersion);
    return *version;
}

// "host", "host:port", "[::1]:port" without the port and the brackets.
std::string hostName(std::string_view host) {
    if (host.starts_with('[')) return std::string(host.substr(1, host.find(']') - 1));
    return std::string(host.substr(0, host.find(':')));
}

}  // namespace

struct ApiServer::Impl {
    Impl(engine::Engine& engine, ApiOptions the_options)
        : options(std::move(the_options)),
          server({.handler = [this](http::Exchange exchange) { handle(std::move(exchange)); },
                  .max_connections = options.max_connections,
                  .max_workers = options.max_workers,
                  .log = [](const std::string& text) { log::warning("api: {}", text); }}),
          context{engine, server} {
        addSystemRoutes(router, context);
        addContainerRoutes(router, context);
        addContainerControlRoutes(router, context);
        addContainerCreateRoute(router, context);
        addContainerStreamRoutes(router, context);
        addExecRoutes(router, context);
        addEventRoutes(router, context);
        addImageTransferRoutes(router, context);
        addNetworkRoutes(router, context);
        addPluginRoutes(router, context);
        addUsageRoute(router, context);
        addVolumeRoutes(router, context);
        addImageRoutes(router, context);
        addSwarmRoutes(router);
        addUnimplementedRoutes(router);
    }

    // SEC-51: a page in the user's browser can reach a loopback port, but not without these two giving it away.
    void checkOrigin(const http::Exchange& exchange) const {
        const auto transport = exchange.peer().transport;
        if (transport == http::Transport::unix_socket) return;
        const http::Headers& headers = exchange.request().headers;
        if (headers.has("Origin")) throw error(Code::forbidden, "requests of web pages are refused");
        if (transport == http::Transport::tls) return;
        const std::string host = hostName(headers.value("Host"));
        if (http::isLoopback(host)) return;
        if (std::ranges::find(options.allowed_hosts, host) == options.allowed_hosts.end())
            throw error(Code::forbidden, "host {} is not allowed", host.empty() ? "\"\"" : host);
    }

    void handle(http::Exchange exchange) {
        // Clients before 1.23 read errors as plain text.
        bool json_errors = true;
        std::optional<Request> request;
        try {
            checkOrigin(exchange);
            const std::string method = exchange.request().method;
            const VersionedPath path = splitTarget(exchange.request().target);
            log::debug("Calling {} {}", method, exchange.request().target);
            const auto match = router.find(method, path.path);
            if (!match && method != "OPTIONS") throw http::StatusError(404, "page not found");
            ApiVersion version = *ApiVersion::parse(engine::kApiVersion);
            if (path.version) {
                const auto asked = ApiVersion::parse(*path.version);
                json_errors = !asked || *asked >= ApiVersion{1, 23};
                version = checkVersion(*path.version);
            }
            http::Query query = Request::queryOf(exchange);
            request.emplace(std::move(exchange), version, match ? match->variables : Request::Variables(),
                            std::move(query));
            if (match)
                (*match->handler)(*request);
            else
                request->replyEmpty(200);
        } catch (const Error& failure) {
            fail(request ? request->exchange() : exchange, failure, json_errors);
        } catch (const std::exception& failure) {
            fail(request ? request->exchange() : exchange, Error(Code::system, failure.what()), json_errors);
        }
    }

    static void fail(http::Exchange& exchange, const Error& failure, bool json_errors) {
        const unsigned status = statusOf(failure);
        if (status >= 500) log::error("handler returned error: {}", failure.text());
        if (!exchange.open()) return;  // the answer was under way: its end is missing, which the client sees
        http::Headers headers = Request::commonHeaders();
        headers.add("Content-Type", json_errors ? std::string(kJson) : "text/plain; charset=utf-8");
        exchange.respond(status, std::move(headers), json_errors ? errorBody(failure.text()) : failure.text() + "\n");
    }

    ApiOptions options;
    Router router;
    http::Server server;
    Context context;
};

ApiServer::ApiServer(engine::Engine& engine, ApiOptions options)
    : impl_(std::make_unique<Impl>(engine, std::move(options))) {}
ApiServer::~ApiServer() { stop(std::chrono::milliseconds(0)); }

void ApiServer::listen(http::Listener listener) {
    log::info("API listen on {}", listener.name);
    impl_->server.listen(std::move(listener));
}

void ApiServer::start() { impl_->server.start(); }
void ApiServer::stop(std::chrono::milliseconds grace) { impl_->server.stop(grace); }

}  // namespace davit::api
