// POST /containers/create.
#include "api/handlers/handlers.hpp"
#include "base/check.hpp"
#include "runtime/container_config_json.hpp"

namespace davit::api {
namespace {

engine::EndpointSettings readEndpoint(const json::Value& value) {
    engine::EndpointSettings endpoint;
    endpoint.ip_address = value["IPAMConfig"]["IPv4Address"].string();
    endpoint.global_ipv6_address = value["IPAMConfig"]["IPv6Address"].string();
    endpoint.mac_address = value["MacAddress"].string();
    endpoint.links = value["Links"].strings();
    endpoint.aliases = value["Aliases"].strings();
    endpoint.driver_opts = value["DriverOpts"].stringMap();
    return endpoint;
}

engine::CreateRequest readRequest(const json::Value& body, const http::Query& query) {
    if (body.isNull()) throw error(Code::invalid, "config cannot be empty in order to create a container");
    engine::CreateRequest create;
    create.name = query.get("name");
    create.platform = query.get("platform");
    create.config = runtime::readContainerConfig(body);
    create.host_config = runtime::readHostConfig(body["HostConfig"]);
    for (const auto& [name, endpoint] : body["NetworkingConfig"]["EndpointsConfig"].object())
        create.endpoints.emplace(name, readEndpoint(endpoint));
    return create;
}

}  // namespace

void addContainerCreateRoute(Router& router, const Context& context) {
    router.add("POST", "/containers/create", [&context](Request& request) {
        const json::Document document = request.json();
        const engine::CreateResult result =
            context.engine.containers().create(readRequest(document.root(), request.query()));
        json::Writer out;
        out.object([&] {
            out.member("Id", result.id);
            out.member("Warnings", result.warnings);
        });
        request.reply(201, out);
    });
}

}  // namespace davit::api
