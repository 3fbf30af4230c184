#include "forwarding.hpp"

#include "base/file.hpp"
#include "common/setting.hpp"

namespace davit::bridge {

bool forwards(IpFamily family) {
    // Without IPv6 there is nothing to switch on.
    if (family == IpFamily::v6) return readSetting("ipv6/conf/all/forwarding").value_or("1") == "1";
    return readSetting("ipv4/ip_forward").value_or("1") == "1";
}

void switchForwardingOn(IpFamily family) {
    if (family == IpFamily::v4) {
        (void)writeSetting("ipv4/ip_forward", "1");
        return;
    }
    (void)writeSetting("ipv6/conf/default/forwarding", "1");
    (void)writeSetting("ipv6/conf/all/forwarding", "1");
}

std::string bootId() { return readFile("/proc/sys/kernel/random/boot_id").value_or(""); }

}  // namespace davit::bridge
