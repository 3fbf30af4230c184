// Firewall: the rules of all networks in the kernel. Knows what they should be, so that rules which somebody removed are noticed at
// the next change and all made again.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/thread_annotations.hpp"
#include "firewall_rules.hpp"

struct nft_ctx;

namespace davit::bridge {

/// Any thread. Works in the network namespace of the thread that made it. Doesn't touch the kernel before it is told something.
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

  private:
    /// Runs the commands that bring the kernel to what the model has become; when they fail, makes all rules anew.
    void bring(const std::string& commands) DAVIT_REQUIRES(mutex_);
    void execute(const std::string& commands) DAVIT_REQUIRES(mutex_);
    void executeWhole() DAVIT_REQUIRES(mutex_);
    std::size_t countRules() DAVIT_REQUIRES(mutex_);
    nft_ctx& context() DAVIT_REQUIRES(mutex_);

    struct Release {
        void operator()(nft_ctx* context) const noexcept;
    };
    Mutex mutex_;
    std::unique_ptr<nft_ctx, Release> context_ DAVIT_GUARDED_BY(mutex_);
    FirewallModel model_ DAVIT_GUARDED_BY(mutex_);
    bool made_ DAVIT_GUARDED_BY(mutex_) = false;       ///< the tables are in the kernel, as far as we know
    std::size_t rules_ DAVIT_GUARDED_BY(mutex_) = 0;   ///< how many lines the tables have without their elements
};

}  // namespace davit::bridge
