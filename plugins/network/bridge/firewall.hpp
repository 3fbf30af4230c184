// Firewall: the rules of all networks in the kernel. Knows what they should be, so that rules which somebody removed are noticed at
// the next change and all made again.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/thread_annotations.hpp"
#include "firewall_rules.hpp"
#include "linux/netlink/batch.hpp"

struct nft_ctx;

namespace davit::bridge {

/// Threads: any of one network namespace. Doesn't touch the kernel before it is told something.
/// Additions happen as a whole or, with an Error{system}, not at all; what is removed is forgotten in any case.
class Firewall {
  public:
    Firewall();
    ~Firewall();
    Firewall(const Firewall&) = delete;
    Firewall& operator=(const Firewall&) = delete;

    /// Makes the kernel's rules those of `model`.
    void restore(FirewallModel model) DAVIT_EXCLUDES(mutex_);
    void addNetwork(const Network& network) DAVIT_EXCLUDES(mutex_);
    /// The tables go with the last network, unless they hold back foreign packets.
    void removeNetwork(const std::string& id) DAVIT_EXCLUDES(mutex_);
    /// Requires: the network was added.
    void publish(const std::string& endpoint, const std::string& network_id, const std::vector<PublishedPort>& ports) DAVIT_EXCLUDES(mutex_);
    void unpublish(const std::string& endpoint) DAVIT_EXCLUDES(mutex_);
    /// From now on only what comes from or goes to a bridge is forwarded.
    void dropForeign(IpFamily family) DAVIT_EXCLUDES(mutex_);
    /// Makes the rules again if tables, chains or rules of them are gone. True when they were.
    bool repair() DAVIT_EXCLUDES(mutex_);
    /// How often all rules were made anew instead of changed. For tests.
    [[nodiscard]] std::size_t rebuilds() DAVIT_EXCLUDES(mutex_) {
        const Lock lock(mutex_);
        return rebuilds_;
    }

  private:
    /// Brings the kernel to what the model has become, by the shortcut or, when that fails, by making all rules anew.
    template <class Shortcut>
    void bring(const Shortcut& shortcut) DAVIT_REQUIRES(mutex_);
    void execute(const std::string& commands) DAVIT_REQUIRES(mutex_);
    void executeWhole() DAVIT_REQUIRES(mutex_);
    std::size_t countRules() DAVIT_REQUIRES(mutex_);
    nft_ctx& context() DAVIT_REQUIRES(mutex_);
    const linux::NetlinkSocket& socket() DAVIT_REQUIRES(mutex_);

    struct Release {
        void operator()(nft_ctx* context) const noexcept;
    };
    Mutex mutex_;
    std::unique_ptr<nft_ctx, Release> context_ DAVIT_GUARDED_BY(mutex_);
    std::optional<linux::NetlinkSocket> socket_ DAVIT_GUARDED_BY(mutex_);
    std::size_t rebuilds_ DAVIT_GUARDED_BY(mutex_) = 0;
    FirewallModel model_ DAVIT_GUARDED_BY(mutex_);
    bool made_ DAVIT_GUARDED_BY(mutex_) = false;       ///< the tables are in the kernel, as far as we know
    std::size_t rules_ DAVIT_GUARDED_BY(mutex_) = 0;   ///< how many lines the tables have without their elements
};

}  // namespace davit::bridge
