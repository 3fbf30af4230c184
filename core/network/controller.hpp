// NetworkController: networks, the sandboxes of running containers and their endpoints: what Docker calls libnetwork. It asks
// drivers for pools, networks and endpoints, and keeps rows of all it asked for.
//
// What happens in which order is what makes a kill -9 harmless:
//
//     network   row "creating"  ->  pools  ->  row with pools  ->  driver  ->  row "ready" (synced)  ->  memory  ->  reply
//     sandbox   row with endpoints "creating"  ->  namespace, addresses, driver  ->  row "attached"  ->  memory
//     end       memory "ending"  ->  later: driver, addresses, namespace  ->  row removed
//
// A sandbox whose run is over keeps addresses and ports until sweep() has removed it in the background. A start that needs
// them meanwhile removes it first: so an exit costs nothing, and nothing is given to two.
//
// Threads: any; no lock is held while a driver is called. The caller sees to it that of one container only one of open(),
// connect() and disconnect() is under way; retire() and sweep() may come at any time. Drivers and database outlive it.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/thread_annotations.hpp"
#include "network/addresses.hpp"
#include "network/driver_source.hpp"
#include "network/namespace_pool.hpp"
#include "network/network.hpp"
#include "network/network_rows.hpp"
#include "network/resolver_client.hpp"

namespace davit::network {

struct ControllerOptions {
    std::filesystem::path exec_root;        ///< namespaces are bound below <exec_root>/netns
    std::string default_driver;             ///< of networks that name none
    std::string default_ipam_driver;        ///< of networks that name none
    std::filesystem::path resolver;         ///< davit-resolver; empty: containers have no names
    std::map<std::string, Options> default_options;  ///< driver -> options of networks that don't give them themselves
    std::size_t prepared = 1;  ///< network namespaces that are made ahead
    /// What containers are on that name no network; none: they get no interface. Made at the first start, and made anew at one
    /// that wants it otherwise, unless containers run on it.
    std::optional<NetworkConfig> standard;
};

struct EndpointRequest {
    std::string network;  ///< name or id
    EndpointConfig config;
    std::vector<std::string> dns_names{};  ///< on a user-defined network; a reverse lookup answers the first
};

struct SandboxRequest {
    std::string container_id;
    std::string container_name;
    std::vector<EndpointRequest> endpoints;  ///< in this order they become eth0, eth1, …
    PortSettings ports;
    std::string namespace_path;  ///< of a container that runs already, without a sandbox; empty: a new one is made
    NameServers name_servers{};
};

class NetworkController {
  public:
    /// The tables it keeps; part of DatabaseOptions::schemas.
    [[nodiscard]] static state::Schema schema();

    NetworkController(ControllerOptions options, state::Database& database, DriverSource& drivers);
    NetworkController(const NetworkController&) = delete;
    NetworkController& operator=(const NetworkController&) = delete;
    ~NetworkController();

    // --- the daemon's start ---
    /// Reads the rows, finishes what was half done, tells drivers again what they may have forgotten, makes the predefined
    /// networks. One network's fault is that network's: it is logged, and what it was about is tried again at the next use.
    /// Drivers of others aren't waited for: they are told at the first use.
    void restore();
    /// Retires every sandbox but those of `running` and removes namespaces that nothing knows. Of those that stay, endpoints
    /// that were being made or removed are removed. Returns what is to be swept.
    [[nodiscard]] std::vector<std::string> retireOthers(const std::set<std::string>& running);

    // --- networks ---
    /// Throws Error{conflict} "network with name x already exists", {forbidden} for predefined names, {invalid} for
    /// configurations that make no sense, {not_found} for drivers that aren't there.
    Network create(NetworkConfig config);
    /// By creation.
    [[nodiscard]] std::vector<Network> list() const;
    /// By id, name, or unique beginning of the id. Throws Error{not_found} "network x not found", {invalid} when ambiguous.
    [[nodiscard]] Network find(const std::string& ref) const;
    /// Throws Error{forbidden} for predefined networks and those with endpoints.
    void remove(const std::string& ref);
    /// True while a running container has an endpoint on it.
    [[nodiscard]] bool inUse(const std::string& id) const;
    /// Name of the network of containers that name none.
    [[nodiscard]] std::string defaultNetwork() const;

    // --- sandboxes ---
    /// Makes the sandbox of a container's next run; when it throws, nothing is left.
    [[nodiscard]] Sandbox open(const SandboxRequest& request);
    /// Prepares for the next open(); what fails is logged. To be called when nothing else is urgent.
    void prepare();
    /// The sandbox of the container's run.
    [[nodiscard]] std::optional<Sandbox> sandboxOf(const std::string& container_id) const;
    /// Adds an endpoint to a running container. Throws Error{forbidden} when it has one there.
    Sandbox connect(const std::string& container_id, const EndpointRequest& request);
    /// Throws Error{not_found} when it has no endpoint on the network.
    Sandbox disconnect(const std::string& container_id, const std::string& network_id);
    /// Changes driver options of a running container's endpoint, as updateEndpoint() of the driver has it. Throws Error{not_found} when
    /// it has no endpoint on the network, {unimplemented} when the driver can't.
    Sandbox update(const std::string& container_id, const std::string& network_id, const std::map<std::string, std::string>& driver_opts);
    /// The container has another name, and on its networks (by id) these. The sandbox of its run as it is now, if it has one.
    std::optional<Sandbox> rename(const std::string& container_id, const std::string& name,
                                  const std::map<std::string, std::vector<std::string>>& dns_names);
    /// Removes what is left on the network of a container that is gone. Throws Error{not_found} "endpoint x not found".
    void removeRemains(const std::string& container_name, const std::string& network_id);
    /// The run is over: the container has no sandbox any more, and nobody finds it by name. Returns what is to be swept; cheap.
    [[nodiscard]] std::optional<std::string> retire(const std::string& container_id);
    /// Removes all that is left of a retired sandbox; returns when it is gone. A fault is logged, and tried again when
    /// something is in the way, or at the next start.
    void sweep(const std::string& sandbox_id);

  private:
    struct NetworkEntry {
        Network network;
        bool busy = false;             ///< being created or removed
        int users = 0;                 ///< endpoints that are being made
        bool pools_forgotten = false;  ///< its IPAM driver may not know its pools and addresses
        bool forgotten = false;        ///< its driver may not know it and its endpoints
        bool restating = false;        ///< they are being told
    };
    struct SandboxEntry {
        Sandbox sandbox;
        bool busy = false;
    };
    class Pin;  // controller_rights.hpp
    class Busy;
    using NetworkMap = std::map<std::string, NetworkEntry>;

    [[nodiscard]] NetworkMap::const_iterator findEntry(const std::string& ref) const DAVIT_REQUIRES(mutex_);
    [[nodiscard]] std::optional<Network> known(const std::string& id) const DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] std::shared_ptr<NetworkDriver> driverOf(const Network& network);

    // controller_networks.cpp
    void checkCreate(const NetworkConfig& config) const;
    void checkConfigOnly(const NetworkConfig& config) const;
    void takeConfiguration(NetworkConfig& config) const DAVIT_EXCLUDES(mutex_);
    void reserve(const Network& network) DAVIT_EXCLUDES(mutex_);
    void forget(const std::string& id) DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] bool isDriverUsed(const Network& network) const DAVIT_EXCLUDES(mutex_);
    void make(Network& network);
    void unmake(const Network& network);
    void erase(const Network& network);
    [[nodiscard]] std::string endpointsText(const std::string& id) const DAVIT_REQUIRES(mutex_);

    // controller_restate.cpp
    /// Tells the network's drivers what they may have forgotten since the last daemon's end, unless that has been done.
    void restate(const std::string& id) DAVIT_EXCLUDES(mutex_);
    void restateOwn();
    void restatePools(const Network& network);
    void restateDriver(const Network& network);
    [[nodiscard]] bool beginRestating(const std::string& id) DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] std::vector<std::pair<Sandbox, Endpoint>> endpointsOn(const std::string& id) const DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] bool hasOwn(DriverKind kind, const std::string& name);

    // controller_restore.cpp
    void restoreNetwork(const NetworkRow& row);
    void makeFirst(Network network);
    void restoreSandbox(const SandboxRow& row);
    void makePredefined();
    void makeStandard();
    [[nodiscard]] bool mayReplace(const Network& network);
    void makeWithoutInterface(const std::string& name, bool host_namespace);
    void removeUnfinished(const std::string& sandbox_id);
    void removeUnknownNamespaces();

    // controller_sandboxes.cpp
    [[nodiscard]] Sandbox describe(const SandboxRequest& request) const;
    [[nodiscard]] Sandbox build(const SandboxRequest& request);
    void publish(const Sandbox& sandbox) DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] bool dismantle(Sandbox& sandbox) noexcept;
    /// An address or a port may still belong to a run that is over: an attempt that fails is made once more after the sweep of
    /// all those, whoever did it.
    [[nodiscard]] Sandbox orAfterSweep(const std::function<Sandbox()>& attempt) DAVIT_EXCLUDES(mutex_);
    /// Sweeps what is retired; false: there was nothing.
    bool sweepRetired() DAVIT_EXCLUDES(mutex_);
    bool sweepRetired(const std::string& network_id) DAVIT_EXCLUDES(mutex_);

    // controller_endpoints.cpp
    [[nodiscard]] Endpoint describeEndpoint(const EndpointRequest& request, const Sandbox& sandbox) const;
    void attach(const Sandbox& sandbox, Endpoint& endpoint);
    void joinSandbox(NetworkDriver& driver, const Sandbox& sandbox, Endpoint& endpoint);
    [[nodiscard]] bool detach(const Sandbox& sandbox, const Endpoint& endpoint) noexcept;
    void detachLive(const Sandbox& sandbox, const Endpoint& endpoint) noexcept;
    void updateGateway(Sandbox& sandbox);
    void program(Sandbox& sandbox, Endpoint& endpoint);
    void revoke(Endpoint& endpoint) noexcept;

    // controller_changes.cpp
    [[nodiscard]] Sandbox extend(const Sandbox& before, const EndpointRequest& request);

    // controller_names.cpp
    /// Gives the sandbox a resolver if it is on a network with names, and tells that what the sandbox is now.
    void showNames(Sandbox& sandbox);
    void hideNames(const std::string& sandbox_id) noexcept;
    void restoreNames(const std::vector<std::string>& sandboxes);
    [[nodiscard]] ResolvedSandbox resolved(const Sandbox& sandbox) const;

    const ControllerOptions options_;
    DriverSource& drivers_;
    NetworkRows rows_;
    Addresses addresses_;
    NamespacePool spare_namespaces_;
    const std::unique_ptr<ResolverClient> resolver_;  ///< null: none
    mutable Mutex mutex_;
    Condition changed_;
    bool has_standard_ DAVIT_GUARDED_BY(mutex_) = false;                          ///< as options_ say, and its drivers are here
    NetworkMap networks_ DAVIT_GUARDED_BY(mutex_);                                ///< by id
    std::map<std::string, SandboxEntry> sandboxes_ DAVIT_GUARDED_BY(mutex_);      ///< by id
    std::map<std::string, std::string> by_container_ DAVIT_GUARDED_BY(mutex_);    ///< container -> sandbox, of runs
    std::uint64_t sweeps_ DAVIT_GUARDED_BY(mutex_) = 0;                           ///< sandboxes that are gone since the start
};

}  // namespace davit::network
