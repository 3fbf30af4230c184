#include "endpoint_table.hpp"

namespace davit {

std::optional<IpPrefix> readEndpointAddress(const std::string& text, IpFamily family) {
    if (text.empty()) return std::nullopt;
    const auto address = IpPrefix::parse(text);
    if (!address || address->address.family != family) throw error(Code::invalid, "invalid address \"{}\" of an endpoint", text);
    return address;
}

}  // namespace davit
