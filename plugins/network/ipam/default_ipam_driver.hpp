// The IPAM driver "default": pools that the caller names or that are chosen from the configured ranges, and addresses in them.
//
// A chosen pool never overlaps another pool of the same space or a route of this host. Nothing is kept on disk: the caller
// requests again after a restart what its networks use (RequiresRequestReplay).
//
// Configuration: "pools", the ranges to choose from, each "BASE SIZE" ("172.17.0.0/16 24": pools of /24 within that range),
// in their order; IPv4 and IPv6 mixed. A family of which none is given has davit's own. Threads: any.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "address_pool.hpp"
#include "base/thread_annotations.hpp"
#include "davit/sdk.hpp"

namespace davit {

class DefaultIpamDriver final : public IpamDriver {
  public:
    static constexpr const char* kName = "default";
    static constexpr const char* kDescription = "address pools of this host";
    explicit DefaultIpamDriver(const DriverContext& context);

    IpamCapabilities capabilities() override { return {.requires_mac_address = false, .requires_request_replay = true}; }
    AddressSpaces defaultAddressSpaces() override { return {.local = "LocalDefault", .global = "GlobalDefault"}; }
    Pool requestPool(const PoolRequest& request) override DAVIT_EXCLUDES(mutex_);
    void releasePool(const std::string& pool_id) override DAVIT_EXCLUDES(mutex_);
    Address requestAddress(const AddressRequest& request) override DAVIT_EXCLUDES(mutex_);
    void releaseAddress(const std::string& pool_id, const std::string& address) override DAVIT_EXCLUDES(mutex_);

  private:
    /// A range and the prefix length of the pools that are cut from it.
    struct Range {
        IpPrefix base;
        unsigned size = 0;
    };
    /// What was requested: a pool, or a part of one. The addresses are the pool's.
    struct Lease {
        std::string space;
        IpPrefix pool;
        IpPrefix range;  ///< where addresses are chosen; the pool itself without a sub-pool
        int count = 0;
        std::optional<IpAddress> last;  ///< chosen last, for serial allocation
    };
    using PoolKey = std::pair<std::string, IpPrefix>;

    [[nodiscard]] static Range parseRange(const std::string& text);
    [[nodiscard]] Lease& leaseOf(const std::string& pool_id) DAVIT_REQUIRES(mutex_);
    [[nodiscard]] ipam::AddressPool& poolOf(const Lease& lease) DAVIT_REQUIRES(mutex_);
    [[nodiscard]] IpPrefix choosePool(const std::string& space, IpFamily family) DAVIT_REQUIRES(mutex_);
    [[nodiscard]] std::optional<IpPrefix> overlapping(const std::string& space, const IpPrefix& pool) const
        DAVIT_REQUIRES(mutex_);

    std::vector<Range> ranges_;
    Mutex mutex_;
    std::map<std::string, Lease> leases_ DAVIT_GUARDED_BY(mutex_);
    std::map<PoolKey, ipam::AddressPool> pools_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit
