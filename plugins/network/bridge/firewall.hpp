// Firewall: the rules of all networks in the kernel. Knows what they should be, so that rules which somebody removed are noticed at
// the next change and all made again.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <optional>
#include <string>
#include <string_view>

#include "base/thread_annotations.hpp"
#include "firewall_rules.hpp"
#include "linux/netlink/batch.hpp"
#include "other_firewalls.hpp"

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
    /// Makes all rules again, because somebody else changed them.
    void rebuild() DAVIT_EXCLUDES(mutex_);
    enum class Look { always, if_it_matters };
    /// Looks at the rules of others and brings what we have among them, and for them, to what it should be. After a change of our
    /// networks it matters only beside others that drop. Throws Error{system}.
    void meetOthers(Look look) DAVIT_EXCLUDES(mutex_);
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
    void meetOthers(IpFamily family) DAVIT_REQUIRES(mutex_);
    /// The text of what a command lists, with handles; empty when it isn't there.
    [[nodiscard]] std::string list(const std::string& command) DAVIT_REQUIRES(mutex_);
    [[nodiscard]] std::string listForward(IpFamily family) DAVIT_REQUIRES(mutex_);
    [[nodiscard]] bool needed() const DAVIT_REQUIRES(mutex_);
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
    struct Met {
        ForeignForward found;
        std::set<std::string> own;  ///< our bridges then
    };
    std::map<IpFamily, Met> met_ DAVIT_GUARDED_BY(mutex_);  ///< the last look: the same again is left alone
    bool made_ DAVIT_GUARDED_BY(mutex_) = false;  ///< the tables are in the kernel, as far as we know
};

}  // namespace davit::bridge
