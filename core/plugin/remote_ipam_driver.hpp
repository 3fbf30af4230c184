// RemoteIpamDriver: an IpamDriver whose every method is a message. Stateless but for its transport; any thread.
#pragma once

#include "driver/ipam_driver.hpp"
#include "plugin/caller.hpp"

namespace davit::plugin {

class RemoteIpamDriver final : public IpamDriver {
  public:
    explicit RemoteIpamDriver(std::shared_ptr<Transport> transport) : caller_(std::move(transport)) {}

    /// Defaults when the driver refuses the question.
    IpamCapabilities capabilities() override;
    AddressSpaces defaultAddressSpaces() override;
    Pool requestPool(const PoolRequest& request) override;
    void releasePool(const std::string& pool_id) override;
    /// Error{invalid} when the reply has no address in CIDR form.
    Address requestAddress(const AddressRequest& request) override;
    void releaseAddress(const std::string& pool_id, const std::string& address) override;

  private:
    Caller caller_;
};

}  // namespace davit::plugin
