// Drivers that note their calls and fail on demand, and a controller on a directory of its own.
#pragma once

#include <cstdlib>
#include <set>

#include "base/check.hpp"
#include "base/file.hpp"
#include "network/controller.hpp"
#include "network/net_namespace.hpp"

namespace davit::network::test {

/// What both fakes share. Calls are "Method" or "Method argument".
struct Script {
    std::vector<std::string> calls;
    std::string fails;             ///< the method that throws
    Code failure = Code::system;  ///< what

    void note(const std::string& method, const std::string& argument = {}) {
        calls.push_back(argument.empty() ? method : method + " " + argument);
        if (method == fails) throw error(failure, "{} fails", method);
    }
    [[nodiscard]] std::size_t count(const std::string& call) const {
        return static_cast<std::size_t>(std::count(calls.begin(), calls.end(), call));
    }
};

/// Makes its interface in the sandbox itself, as davit's own drivers do; the gateway is the network's.
class FakeNetworkDriver : public NetworkDriver, public Script {
  public:
    NetworkCapabilities can;
    std::map<std::string, CreateNetwork> networks;
    std::set<std::string> endpoints;
    std::map<std::string, std::string> addresses;
    std::map<std::string, std::pair<std::string, std::string>> interfaces;  ///< endpoint -> sandbox and name

    NetworkCapabilities capabilities() override { return can; }
    void createNetwork(const CreateNetwork& request) override {
        note("CreateNetwork");
        networks[request.network_id] = request;
    }
    void deleteNetwork(const std::string& id) override {
        note("DeleteNetwork");
        networks.erase(id);
    }
    EndpointInterface createEndpoint(const CreateEndpoint& request) override {
        note("CreateEndpoint");
        endpoints.insert(request.endpoint_id);
        EndpointInterface made = request.interface;
        addresses[request.endpoint_id] = made.address;
        if (made.mac_address.empty()) made.mac_address = "02:00:00:00:00:01";
        return made;
    }
    JsonOptions endpointInfo(const std::string&, const std::string&) override {
        note("EndpointOperInfo");
        return {{"com.docker.network.portmap", R"([{"Proto":6,"Port":80,"HostIP":"0.0.0.0","HostPort":8080,"HostPortEnd":8080}])"}};
    }
    void deleteEndpoint(const std::string&, const std::string& id) override {
        note("DeleteEndpoint");
        endpoints.erase(id);
    }
    JoinReply join(const JoinRequest& request) override {
        note("Join");
        std::string name = request.options.at("com.docker.network.endpoint.ifname");
        name = name.substr(1, name.size() - 2);
        inNamespace(request.sandbox_key, [&] {
            const std::string command = fmt::format("ip link add {0} type veth peer name p{0} && ip addr add {1} dev {0} && "
                                                    "ip link set {0} up && ip link set p{0} up",
                                                    name, addresses[request.endpoint_id]);
            if (std::system(command.c_str()) != 0) throw error(Code::system, "{}", command);
        });
        interfaces[request.endpoint_id] = {request.sandbox_key, name};
        const auto network = networks.find(request.network_id);
        JoinReply reply;
        if (network != networks.end() && !network->second.ipv4.empty() && !network->second.options.contains("com.docker.network.internal"))
            reply.gateway = network->second.ipv4[0].gateway.substr(0, network->second.ipv4[0].gateway.find('/'));
        return reply;
    }
    void leave(const std::string&, const std::string& id) override {
        note("Leave");
        const auto found = interfaces.find(id);
        if (found == interfaces.end() || !std::filesystem::exists(found->second.first)) return;
        inNamespace(found->second.first, [&] {
            if (std::system(("ip link del " + found->second.second).c_str()) != 0) throw error(Code::system, "{} is gone", found->second.second);
        });
        interfaces.erase(found);
    }
    void programExternalConnectivity(const std::string& network, const std::string&, const JsonOptions&) override {
        note("Program", network);
    }
    void revokeExternalConnectivity(const std::string& network, const std::string&) override { note("Revoke", network); }
};

/// Pools 10.200.0.0/24, 10.200.1.0/24, …; addresses from .1 on. Memory only.
class FakeIpamDriver : public IpamDriver, public Script {
  public:
    std::map<std::string, std::set<std::string>> pools;
    std::vector<std::string> choices = {"10.200.0.0/24", "10.200.1.0/24", "10.200.2.0/24", "10.200.3.0/24"};
    bool replay = true;
    bool needs_mac = false;
    std::string lie;                    ///< what it answers instead of an address
    std::function<void()> on_conflict;  ///< what happens once while it finds an address taken

    IpamCapabilities capabilities() override { return {.requires_mac_address = needs_mac, .requires_request_replay = replay}; }
    AddressSpaces defaultAddressSpaces() override { return {.local = "here", .global = "everywhere"}; }
    Pool requestPool(const PoolRequest& request) override {
        note("RequestPool", request.pool);
        std::string pool = request.pool;
        for (const std::string& one : choices)
            if (pool.empty() && !pools.contains(one)) pool = one;
        if (pool.empty() || pools.contains(pool)) throw Error(Code::forbidden, "Pool overlaps with other one on this address space");
        pools[pool];
        return {.id = pool, .pool = pool, .data = {}};
    }
    void releasePool(const std::string& id) override {
        note("ReleasePool");
        if (!pools.at(id).empty()) throw error(Code::conflict, "{} still has addresses", id);
        pools.erase(id);
    }
    Address requestAddress(const AddressRequest& request) override {
        note("RequestAddress", request.address);
        std::set<std::string>& taken = pools.at(request.pool_id);
        std::string address = request.address;
        const std::string base = request.pool_id.substr(0, request.pool_id.rfind('.') + 1);
        for (int number = 1; address.empty(); ++number)
            if (!taken.contains(base + std::to_string(number))) address = base + std::to_string(number);
        if (!taken.insert(address).second) {
            if (on_conflict) std::exchange(on_conflict, {})();
            throw Error(Code::conflict, "Address already in use");
        }
        return {.address = lie.empty() ? address + "/24" : lie, .data = {}};
    }
    void releaseAddress(const std::string& id, const std::string& address) override {
        note("ReleaseAddress", address);
        if (pools.at(id).erase(address) == 0) throw error(Code::invalid, "{} wasn't taken", address);
    }
};

class FakeSource : public DriverSource {
  public:
    std::map<std::string, std::shared_ptr<NetworkDriver>> networks;
    std::set<std::string> expected;
    std::set<std::string> foreign;  ///< those of `networks` that are somebody else's servers
    std::shared_ptr<FakeIpamDriver> ipam_driver = std::make_shared<FakeIpamDriver>();

    void expect(const std::string& name) override { expected.insert(name); }
    std::shared_ptr<NetworkDriver> network(const std::string& name) override {
        const auto found = networks.find(name);
        if (found == networks.end()) throw error(Code::not_found, "plugin \"{}\" not found", name);
        return found->second;
    }
    std::shared_ptr<IpamDriver> ipam(const std::string&) override { return ipam_driver; }
    std::vector<std::string> ownDrivers(DriverKind kind) override {
        std::vector<std::string> names;
        if (kind == DriverKind::ipam) return {"book"};
        for (const auto& [name, driver] : networks)
            if (!foreign.contains(name)) names.push_back(name);
        return names;
    }
};

struct Fixture {
    TempDir dir;
    FakeSource source;
    std::shared_ptr<FakeNetworkDriver> driver = std::make_shared<FakeNetworkDriver>();
    std::unique_ptr<state::Database> database;
    std::unique_ptr<NetworkController> controller;
    std::optional<NetworkConfig> standard;  ///< of the next start
    std::map<std::string, Options> default_options;

    Fixture() {
        source.networks["fake"] = driver;
        start();
    }
    ~Fixture() {
        for (const std::filesystem::path& path : namespaceFiles(dir.path() / "netns")) removeNamespace(path);
    }
    /// A daemon's start; what was before ends as if by kill -9. IPAM drivers that want a replay have forgotten everything.
    void start() {
        controller.reset();
        database.reset();
        if (source.ipam_driver->replay) source.ipam_driver->pools.clear();
        database = std::make_unique<state::Database>(
            state::DatabaseOptions{.path = dir.path() / "state.db", .schemas = {NetworkController::schema()}});
        controller = std::make_unique<NetworkController>(
            ControllerOptions{.exec_root = dir.path(), .default_driver = "fake", .default_ipam_driver = "book", .default_options = default_options,
                              .standard = standard},
            *database, source);
        controller->restore();
    }
    Network make(const std::string& name, const std::string& subnet = {}) {
        NetworkConfig config;
        config.name = name;
        if (!subnet.empty()) config.ipam.pools = {{.subnet = subnet, .ip_range = {}, .gateway = {}, .aux_addresses = {}}};
        return controller->create(config);
    }
    Sandbox open(const std::string& container, std::vector<EndpointRequest> endpoints, PortSettings ports = {}) {
        return controller->open({.container_id = container, .container_name = container, .endpoints = std::move(endpoints), .ports = std::move(ports)});
    }
    [[nodiscard]] std::size_t namespaces() const { return namespaceFiles(dir.path() / "netns").size(); }
    [[nodiscard]] std::size_t addresses() const {
        std::size_t count = 0;
        for (const auto& [id, taken] : source.ipam_driver->pools) count += taken.size();
        return count;
    }
};

inline PortSettings onePort() {
    return {.exposed = {{"tcp", 80}}, .bindings = {{.port = {"tcp", 80}, .host_ip = {}, .host_port = 8080, .host_port_end = 8080}}};
}

template <typename Call>
std::string refusal(Call&& call) {
    try {
        call();
    } catch (const Error& failure) {
        return failure.text();
    }
    return "accepted";
}

}  // namespace davit::network::test
