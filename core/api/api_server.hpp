// ApiServer: the Docker Engine API over the engine's services. START HERE for core/api:
//
//     hosts.hpp        -H strings → listeners           router.hpp    paths → handlers
//     request.hpp      what a handler gets              errors.hpp    Error → status and body, in one switch
//     handlers/        one file per resource            views/        engine's values → Docker's JSON
//     attach.hpp, log_stream.hpp                        streams that outlive their handler
//
// The composition root makes one over a restored engine:
//
//     ApiServer api(engine, {.version = "0.1.0"});
//     for (const std::string& host : hosts)
//         for (http::Listener& listener : openHost(host, options)) api.listen(std::move(listener));
//     api.start();  …wait for SIGTERM…  api.stop(10s);
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "http/server.hpp"

namespace davit::api {

struct ApiOptions {
    /// Names under which a TCP client without TLS may address this daemon besides the loopback ones (SEC-51).
    std::vector<std::string> allowed_hosts{};
    std::size_t max_connections = 4096;
    std::size_t max_workers = 64;
};

class ApiServer {
  public:
    /// `engine` must live until after stop().
    explicit ApiServer(engine::Engine& engine, ApiOptions options = {});
    ApiServer(const ApiServer&) = delete;
    ApiServer& operator=(const ApiServer&) = delete;
    ~ApiServer();

    /// Logs "API listen on …". Any time.
    void listen(http::Listener listener);
    void start();
    /// Stops accepting, gives running requests `grace`, ends followers and waiters. Idempotent.
    void stop(std::chrono::milliseconds grace);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace davit::api
