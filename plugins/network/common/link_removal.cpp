#include "link_removal.hpp"

#include <cerrno>

#include "base/error.hpp"
#include "linux/netlink/link_requests.hpp"
#include "linux/netlink/links.hpp"

namespace davit {

void removeLink(const std::string& name) {
    linux::NetlinkBatch batch;
    linux::deleteLink(batch, name);
    try {
        batch.run();
    } catch (const Error& e) {
        if (e.sysErrno() != ENODEV) throw;
    }
}

void removeOwnLink(const std::string& name, const std::string& alias) {
    const auto link = linux::findLink(name);
    if (link && link->alias == alias) removeLink(name);
}

}  // namespace davit
