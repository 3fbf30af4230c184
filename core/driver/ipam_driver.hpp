// IpamDriver: hands out address pools and addresses. The wire is Docker's IpamDriver protocol, whose error member is
// "Error" (the SDK sends both that and "Err").
#pragma once

#include <string>

#include "driver/driver.hpp"

namespace davit {

struct IpamCapabilities {
    bool requires_mac_address = false;
    bool requires_request_replay = false;
};

struct AddressSpaces {
    std::string local;
    std::string global;
};

struct PoolRequest {
    std::string address_space;
    std::string pool;      ///< CIDR; empty: the driver chooses
    std::string sub_pool;  ///< CIDR within `pool`; without a pool Error{invalid}
    Options options;
    bool v6 = false;
};

struct Pool {
    std::string id;
    std::string pool;  ///< CIDR
    Options data;
};

struct AddressRequest {
    std::string pool_id;
    std::string address;  ///< plain IP; empty: the driver chooses
    Options options;
};

struct Address {
    std::string address;  ///< CIDR
    Options data;
};

class IpamDriver {
  public:
    virtual ~IpamDriver() = default;
    virtual IpamCapabilities capabilities() { return {}; }
    virtual AddressSpaces defaultAddressSpaces() = 0;
    /// The same pool requested twice is the same id; the driver counts.
    virtual Pool requestPool(const PoolRequest& request) = 0;
    virtual void releasePool(const std::string& pool_id) = 0;
    virtual Address requestAddress(const AddressRequest& request) = 0;
    virtual void releaseAddress(const std::string& pool_id, const std::string& address) = 0;
};

}  // namespace davit
