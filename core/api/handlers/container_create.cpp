// POST /containers/create.
#include "api/endpoint_config.hpp"
#include "api/handlers/handlers.hpp"
#include "base/check.hpp"
#include "runtime/container_config_json.hpp"

namespace davit::api {
namespace {

constexpr unsigned kSeveralNetworks = 44;

engine::CreateRequest readRequest(const json::Value& body, const Request& request) {
    if (body.isNull()) throw error(Code::invalid, "config cannot be empty in order to create a container");
    engine::CreateRequest create;
    create.name = request.query().get("name");
    create.platform = request.query().get("platform");
    create.config = runtime::readContainerConfig(body);
    create.host_config = runtime::readHostConfig(body["HostConfig"]);
    for (const auto& [name, endpoint] : body["NetworkingConfig"]["EndpointsConfig"].object())
        create.endpoints.emplace(name, readEndpoint(endpoint));
    if (create.endpoints.size() > 1 && !request.atLeast(kSeveralNetworks)) {
        std::string names;
        for (const auto& [name, endpoint] : create.endpoints) names += (names.empty() ? "" : ", ") + name;
        throw error(Code::invalid, "Container cannot be connected to network endpoints: {}", names);
    }
    return create;
}

}  // namespace

void addContainerCreateRoute(Router& router, const Context& context) {
    router.add("POST", "/containers/create", [&context](Request& request) {
        const json::Document document = request.json();
        const engine::CreateResult result =
            context.engine.containers().create(readRequest(document.root(), request));
        json::Writer out;
        out.object([&] {
            out.member("Id", result.id);
            out.member("Warnings", result.warnings);
        });
        request.reply(201, out);
    });
}

}  // namespace davit::api
