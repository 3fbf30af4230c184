// Networks: list, inspect, create, delete, connect, disconnect, prune.
#include "api/endpoint_config.hpp"
#include "api/handlers/handlers.hpp"
#include "api/views/network_view.hpp"
#include "base/check.hpp"

namespace davit::api {
namespace {

constexpr unsigned kListWithoutContainers = 28;

void list(const Context& context, Request& request) {
    engine::NetworkService& networks = context.engine.networks();
    json::Writer out;
    out.array([&] {
        for (const network::Network& network : networks.list(engine::Filters::parse(request.query().get("filters")))) {
            std::vector<engine::NetworkMember> members;
            if (!request.atLeast(kListWithoutContainers)) members = networks.members(network.id);
            writeNetwork(out, network, members);
        }
    });
    request.reply(200, out);
}

void inspect(const Context& context, Request& request) {
    const std::string& ref = request.variable("id");
    if (const std::string verbose = request.query().get("verbose");
        verbose.find_first_not_of("01truefalsTRUEFALS") != std::string::npos)
        throw error(Code::invalid, "invalid value for verbose: {}", verbose);
    const std::string scope = request.query().get("scope");
    if (!scope.empty() && scope != "local") throw error(Code::not_found, "network {} not found", ref);
    const network::Network network = context.engine.networks().inspect(ref);
    json::Writer out;
    writeNetwork(out, network, context.engine.networks().members(network.id));
    request.reply(200, out);
}

network::NetworkConfig readNetwork(const json::Value& body) {
    const std::string scope = body["Scope"].string();
    if (body["ConfigOnly"].boolean() && (body["Ingress"].boolean() || !scope.empty()))
        throw Error(Code::forbidden, "configuration network can only contain network specific fields. Network operator fields like "
                                     "[ ingress | internal | attachable | scope ] are not supported.");
    if (body["Ingress"].boolean()) throw Error(Code::forbidden, "Ingress network can only be global scope network");
    if (scope == "swarm") throw Error(Code::forbidden, "cannot create a swarm scoped network when swarm is not active");
    if (!scope.empty() && scope != "local")
        throw Error(Code::unavailable, "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect "
                                       "this node to swarm and try again.");
    network::NetworkConfig config;
    config.name = body["Name"].string();
    config.driver = body["Driver"].string();
    config.labels = body["Labels"].stringMap();
    config.options = body["Options"].stringMap();
    config.internal = body["Internal"].boolean();
    config.attachable = body["Attachable"].boolean();
    config.config_only = body["ConfigOnly"].boolean();
    config.config_from = body["ConfigFrom"]["Network"].string();
    config.enable_ipv4 = body["EnableIPv4"].boolean(true);
    config.enable_ipv6 = body["EnableIPv6"].boolean();
    config.ipam.driver = body["IPAM"]["Driver"].string();
    config.ipam.options = body["IPAM"]["Options"].stringMap();
    for (const json::Value pool : body["IPAM"]["Config"].array())
        config.ipam.pools.push_back({.subnet = pool["Subnet"].string(),
                                     .ip_range = pool["IPRange"].string(),
                                     .gateway = pool["Gateway"].string(),
                                     .aux_addresses = pool["AuxiliaryAddresses"].stringMap()});
    return config;
}

void create(const Context& context, Request& request) {
    const json::Document document = request.json();
    const network::Network network = context.engine.networks().create(readNetwork(document.root()));
    json::Writer out;
    out.object([&] { out.member("Id", network.id).member("Warning", ""); });
    request.reply(201, out);
}

void remove(const Context& context, Request& request) {
    context.engine.networks().remove(request.variable("id"));
    request.replyEmpty(204);
}

void connect(const Context& context, Request& request) {
    const json::Document document = request.json();
    const json::Value body = document.root();
    context.engine.networks().connect(request.variable("id"), body["Container"].string(), readEndpoint(body["EndpointConfig"]));
    request.replyEmpty(200);
}

void disconnect(const Context& context, Request& request) {
    const json::Document document = request.json();
    const json::Value body = document.root();
    context.engine.networks().disconnect(request.variable("id"), body["Container"].string(), body["Force"].boolean());
    request.replyEmpty(200);
}

// Beyond Docker's API: what of an endpoint may change while its container runs.
void update(const Context& context, Request& request) {
    const json::Document document = request.json();
    const json::Value body = document.root();
    context.engine.networks().update(request.variable("id"), body["Container"].string(), readEndpoint(body["EndpointConfig"]).driver_opts);
    request.replyEmpty(200);
}

void prune(const Context& context, Request& request) {
    const std::vector<std::string> removed =
        context.engine.networks().prune(engine::Filters::parse(request.query().get("filters")));
    json::Writer out;
    out.object([&] {
        out.key("NetworksDeleted");
        if (removed.empty())
            out.null();
        else
            out.value(removed);
    });
    request.reply(200, out);
}

}  // namespace

void addNetworkRoutes(Router& router, const Context& context) {
    const auto with = [&context](void (*handler)(const Context&, Request&)) {
        return [&context, handler](Request& request) { handler(context, request); };
    };
    router.add("GET", "/networks", with(list));
    router.add("GET", "/networks/", with(list));
    router.add("POST", "/networks/create", with(create));
    router.add("POST", "/networks/prune", with(prune));
    router.add("POST", "/networks/{id}/connect", with(connect));
    router.add("POST", "/networks/{id}/disconnect", with(disconnect));
    router.add("POST", "/networks/{id}/update", with(update));
    router.add("GET", "/networks/{id}", with(inspect));
    router.add("DELETE", "/networks/{id}", with(remove));
}

}  // namespace davit::api
