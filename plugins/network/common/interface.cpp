#include "interface.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sys/vfs.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/file.hpp"
#include "linux/netlink/in_namespace.hpp"
#include "linux/netlink/link_requests.hpp"
#include "setting.hpp"

namespace davit {
namespace {

constexpr int kLoopback = 1;  // its index in every network namespace

}  // namespace

void configureInterface(const Interface& interface) {
    const std::string conf = "ipv6/conf/" + interface.name + "/";
    (void)writeSetting(conf + "disable_ipv6", interface.ipv6 ? "0" : "1");
    if (interface.ipv6)
        for (const char* setting : {"accept_ra", "accept_dad"}) (void)writeSetting(conf + setting, "0");
    for (const InterfaceSetting& setting : interface.settings)
        if (!writeSetting(setting.name, setting.value)) throw error(Code::invalid, "there is no setting {}", setting.name);
    const int index = static_cast<int>(::if_nametoindex(interface.name.c_str()));
    linux::NetlinkBatch batch;
    linux::setUp(batch, kLoopback);
    if (!interface.alias.empty()) linux::setAlias(batch, interface.name, interface.alias);
    if (interface.ipv4) linux::addAddress(batch, index, *interface.ipv4);
    if (interface.ipv6) linux::addAddress(batch, index, *interface.ipv6);
    linux::setUp(batch, index);
    batch.run();
}

bool sandboxLives(const std::string& sandbox) {
    struct statfs facts {};
    return ::statfs(sandbox.c_str(), &facts) == 0 && facts.f_type == NSFS_MAGIC;
}

std::string freeInterfaceName(const std::string& sandbox, const std::string& prefix) {
    const UniqueFd fd = openFile(sandbox, O_RDONLY);
    std::string name;
    linux::inNetworkNamespace(fd.get(), [&] {
        for (int number = 0;; ++number) {
            name = prefix + std::to_string(number);
            if (::if_nametoindex(name.c_str()) == 0) return;
        }
    });
    return name;
}

std::vector<InterfaceSetting> readSettings(const std::string& option, const std::string& interface) {
    std::vector<InterfaceSetting> settings;
    for (std::size_t at = 0; at < option.size();) {
        const std::size_t end = std::min(option.find(',', at), option.size());
        const std::string one = option.substr(at, end - at);
        at = end + 1;
        const std::size_t equals = one.find('=');
        std::string name = one.substr(0, equals);
        std::replace(name.begin(), name.end(), '.', '/');
        const auto allowed = [&name](const char* start) { return name.starts_with(start) && name.find('/', std::string(start).size()) == std::string::npos; };
        const bool own = allowed("net/ipv4/conf/IFNAME/") || allowed("net/ipv6/conf/IFNAME/") || allowed("net/mpls/conf/IFNAME/") ||
                         allowed("net/ipv4/neigh/IFNAME/") || allowed("net/ipv6/neigh/IFNAME/");
        if (equals == std::string::npos || !own) throw error(Code::invalid, "unrecognised interface sysctl \"{}\"", one);
        name.replace(name.find("IFNAME"), 6, interface);
        settings.push_back({name.substr(4), one.substr(equals + 1)});
    }
    return settings;
}

}  // namespace davit
