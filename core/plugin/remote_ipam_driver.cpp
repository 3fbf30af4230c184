#include "plugin/remote_ipam_driver.hpp"

#include "davit/wire_ipam.hpp"

namespace davit::plugin {

namespace m = wire::ipam;

IpamCapabilities RemoteIpamDriver::capabilities() {
    try {
        return caller_.ask(m::kCapabilities, {});
    } catch (const Error& e) {
        if (e.code() == Code::unavailable || e.code() == Code::deadline) throw;
        return {};
    }
}
AddressSpaces RemoteIpamDriver::defaultAddressSpaces() { return caller_.ask(m::kAddressSpaces, {}); }
Pool RemoteIpamDriver::requestPool(const PoolRequest& request) { return caller_.ask(m::kRequestPool, request); }
void RemoteIpamDriver::releasePool(const std::string& pool_id) { caller_.ask(m::kReleasePool, {pool_id}); }

Address RemoteIpamDriver::requestAddress(const AddressRequest& request) {
    Address result = caller_.ask(m::kRequestAddress, request);
    if (result.address.find('/') == std::string::npos)
        throw Error(Code::invalid,
                    std::string(m::kRequestAddress.name) + ": \"" + result.address + "\" is no address in CIDR form");
    return result;
}

void RemoteIpamDriver::releaseAddress(const std::string& pool_id, const std::string& address) {
    caller_.ask(m::kReleaseAddress, {pool_id, address});
}

}  // namespace davit::plugin
