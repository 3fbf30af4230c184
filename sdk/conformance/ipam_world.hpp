// What the IPAM suite checks with: pools of a target that are released at the end of their rule.
#pragma once

#include <string>

#include "conformance/other_suites.hpp"

namespace davit::conformance {

[[nodiscard]] PoolRequest poolRequest(IpamTarget& target, const std::string& pool, const std::string& sub_pool = {});

/// Requested now, released at the end.
class TestPool {
  public:
    TestPool(IpamTarget& target, const std::string& pool, const std::string& sub_pool = {});
    TestPool(const TestPool&) = delete;
    TestPool& operator=(const TestPool&) = delete;
    ~TestPool();
    /// releasePool() with its errors; the destructor has nothing to do then.
    void release();
    /// An address in CIDR form; with `address` that one.
    std::string take(const std::string& address = {}, const Options& options = {}) const;
    /// `address` may be in CIDR form.
    void give(const std::string& address) const;
    [[nodiscard]] const std::string& id() const noexcept { return pool_.id; }
    [[nodiscard]] const Pool& pool() const noexcept { return pool_; }

  private:
    IpamTarget& target_;
    Pool pool_;
    bool there_ = true;
};

/// Breaks the rule unless the call throws an Error with a text.
void expectRefusal(const std::string& what, const std::function<void()>& call);

}  // namespace davit::conformance
