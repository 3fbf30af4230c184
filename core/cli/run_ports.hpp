// --publish and --expose: port specifications to the sets and bindings of a create request.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace davit::cli {

struct PortBinding {
    std::string host_ip;
    std::string host_port;  ///< "", "8080" or "3000-3005"
};

struct PortRequests {
    std::set<std::string> exposed;  ///< "80/tcp"
    std::map<std::string, std::vector<PortBinding>> bindings;
};

/// "[ip:][host]:container[/proto]" with ranges, or "published=…,target=…,protocol=…". Throws Error{invalid} with
/// Docker's texts.
[[nodiscard]] PortRequests parsePorts(const std::vector<std::string>& publish, const std::vector<std::string>& expose);

}  // namespace davit::cli
