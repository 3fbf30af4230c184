#include "sandbox_link.hpp"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <thread>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "common/link_removal.hpp"
#include "linux/netlink/in_namespace.hpp"
#include "linux/netlink/link_requests.hpp"

namespace davit::parent_link {
namespace {

using namespace std::chrono_literals;

// A namespace without users is taken down some 15 to 40 ms later, and its links hold their addresses until then. The kernel tells
// nobody when.
constexpr auto kPatience = 2s;
constexpr auto kPause = 5ms;

template <typename Step>
void patiently(const Attachment& a, std::initializer_list<int> in_the_way, const Step& step) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
        try {
            return step();
        } catch (const Error& e) {
            const bool passes = std::find(in_the_way.begin(), in_the_way.end(), e.sysErrno()) != in_the_way.end();
            if (!passes || std::chrono::steady_clock::now() > end) throw;
        }
        if (a.in_the_way) a.in_the_way();
        std::this_thread::sleep_for(kPause);
    }
}

/// `sandbox` is -1: beside its parent, and with its remark at once.
void create(const Attachment& a, int sandbox) {
    linux::NetlinkBatch batch;
    a.kind.add(batch,
               {.name = a.endpoint.interface,
                .parent = a.parent,
                .other_namespace = sandbox,
                .mtu = a.network.mtu,
                .mac = a.network.mode.exclusive ? std::nullopt : a.endpoint.mac},
               a.network.mode);
    if (sandbox < 0) linux::setAlias(batch, a.endpoint.interface, a.endpoint.alias());
    try {
        batch.run();
    } catch (const Error& e) {
        throw Error(e.code(), fmt::format("failed to create the {} port: {}", a.kind.name, e.text()), e.sysErrno());
    }
}

void createPatiently(const Attachment& a, int sandbox) {
    if (!a.network.mode.exclusive) return create(a, sandbox);
    patiently(a, {EINVAL}, [&] { create(a, sandbox); });
}

// Whoever knew another MAC address for this IP address learns the new one at once.
std::vector<InterfaceSetting> settingsOf(const Attachment& a) {
    std::vector<InterfaceSetting> settings{{"ipv4/conf/" + a.endpoint.interface + "/arp_notify", "1"}};
    settings.insert(settings.end(), a.settings.begin(), a.settings.end());
    return settings;
}

void configure(const Attachment& a) {
    // The link of an exclusive parent has its MAC address; another one is the user's explicit wish.
    if (a.network.mode.exclusive && a.endpoint.mac_chosen && a.endpoint.mac) {
        linux::NetlinkBatch batch;
        linux::setMac(batch, a.endpoint.interface, *a.endpoint.mac);
        batch.run();
    }
    configureInterface({.name = a.endpoint.interface,
                        .alias = a.endpoint.alias(),
                        .ipv4 = a.endpoint.ipv4,
                        .ipv6 = a.endpoint.ipv6,
                        .settings = settingsOf(a)});
}

}  // namespace

void attach(const Attachment& a) {
    const UniqueFd sandbox = openFile(a.endpoint.sandbox, O_RDONLY);
    if (a.repeated) linux::inNetworkNamespace(sandbox.get(), [&a] { removeLink(a.endpoint.interface); });
    createPatiently(a, sandbox.get());
    Defer undo([&] { linux::inNetworkNamespace(sandbox.get(), [&a] { removeLink(a.endpoint.interface); }); });
    // A MAC address that is taken is EADDRINUSE, and EBUSY before Linux 5.18.
    patiently(a, {EADDRINUSE, EBUSY}, [&] { linux::inNetworkNamespace(sandbox.get(), [&a] { configure(a); }); });
    undo.dismiss();
}

void attachForEngine(const Attachment& a) {
    removeOwnLink(a.endpoint.interface, a.endpoint.alias());
    createPatiently(a, -1);
}

void detach(const SandboxLink& link) {
    if (link.sandbox.empty()) return removeOwnLink(link.interface, link.alias);
    if (!sandboxLives(link.sandbox)) return;
    const UniqueFd sandbox(::open(link.sandbox.c_str(), O_RDONLY | O_CLOEXEC));
    if (!sandbox && errno == ENOENT) return;
    check(sandbox.get(), "open {}", link.sandbox);
    linux::inNetworkNamespace(sandbox.get(), [&link] { removeOwnLink(link.interface, link.alias); });
}

void detachAll(const std::vector<SandboxLink>& links) {
    for (const SandboxLink& link : links) detach(link);
}

}  // namespace davit::parent_link
