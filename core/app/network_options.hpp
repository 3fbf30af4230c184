// NetworkOptions: what daemon.json and the flags say of the default network, and of networks in general. Keys, meanings and
// defaults are Docker's. Values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "base/json.hpp"
#include "driver/driver.hpp"

namespace davit::app {

struct DaemonConfig;

struct NetworkOptions {
    std::string bridge;            ///< of the default network; empty: davit's own; "none": there is no such network
    std::optional<IpPrefix> bip;   ///< the own bridge's address and subnet
    std::optional<IpPrefix> bip6;
    std::optional<IpPrefix> fixed_cidr;  ///< where the default network's addresses are chosen
    std::optional<IpPrefix> fixed_cidr_v6;
    std::optional<IpAddress> default_gateway;  ///< of containers on the default network, when it isn't the bridge
    std::optional<IpAddress> default_gateway_v6;
    std::optional<IpAddress> host_address;  ///< "ip": where the default network's ports are published
    unsigned mtu = 1500;                    ///< of the default network
    bool ipv6 = false;                      ///< of the default network
    bool icc = true;                        ///< of the default network
    bool ip_masq = true;                    ///< of the default network
    bool ip_forward = true;                 ///< of this host
    std::vector<std::string> address_pools;             ///< "BASE SIZE"; empty: the IPAM driver's own
    std::map<std::string, Options> default_network_opts;  ///< driver -> options of networks that don't give them
};

// What settings do with a value. Each throws Error{invalid} with the reason.
using SettingValues = std::vector<std::string>;
void setBridge(DaemonConfig& config, const SettingValues& values);
void setMtu(DaemonConfig& config, const SettingValues& values);
void setHostAddress(DaemonConfig& config, const SettingValues& values);
void setDefaultGateway(DaemonConfig& config, const SettingValues& values);
void setDefaultGatewayV6(DaemonConfig& config, const SettingValues& values);
void setBip(DaemonConfig& config, const SettingValues& values);
void setBip6(DaemonConfig& config, const SettingValues& values);
void setFixedCidr(DaemonConfig& config, const SettingValues& values);
void setFixedCidrV6(DaemonConfig& config, const SettingValues& values);
/// "base=10.0.0.0/8,size=24"
void addAddressPools(DaemonConfig& config, const SettingValues& values);
/// [{"base": "10.0.0.0/8", "size": 24}]
void readAddressPools(DaemonConfig& config, const json::Value& value);
/// {"bridge": {"com.docker.network.driver.mtu": "1400"}}
void readDefaultNetworkOpts(DaemonConfig& config, const json::Value& value);
void setDns(DaemonConfig& config, const SettingValues& values);
void setDnsOptions(DaemonConfig& config, const SettingValues& values);
void setDnsSearch(DaemonConfig& config, const SettingValues& values);
void setHostGateways(DaemonConfig& config, const SettingValues& values);

/// What only the whole can be judged by; a reason for each fault.
[[nodiscard]] std::vector<std::string> networkFaults(const NetworkOptions& options);

}  // namespace davit::app
