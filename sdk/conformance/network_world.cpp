#include "conformance/network_world.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "linux/netlink/in_namespace.hpp"
#include "linux/netlink/links.hpp"

namespace davit::conformance {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 5s;
constexpr auto kPause = 10ms;
constexpr int kAnswerMs = 2000;

IpamData pool(const std::string& net, const std::string& length, bool gateway) {
    IpamData data{.address_space = "LocalDefault", .pool = net + length, .gateway = {}, .aux_addresses = {}};
    const std::string stem = net.ends_with(".0") ? net.substr(0, net.size() - 1) : net;
    if (gateway) data.gateway = stem + "1" + length;
    return data;
}

}  // namespace

TestSandbox::TestSandbox() {
    std::thread([this] {
        check(::unshare(CLONE_NEWNET), "make a network namespace");
        fd_ = openFile("/proc/thread-self/ns/net", O_RDONLY);
    }).join();
}

std::string TestSandbox::key() const { return fmt::format("/proc/{}/fd/{}", ::getpid(), fd_.get()); }

std::set<std::string> TestSandbox::links() const {
    std::set<std::string> names;
    linux::inNetworkNamespace(fd_.get(), [&names] { names = hostLinks(); });
    names.erase("lo");
    return names;
}

std::set<std::string> hostLinks() {
    std::set<std::string> names;
    for (const linux::Link& link : linux::allLinks()) names.insert(link.name);
    return names;
}

bool noLinksBeyond(const std::set<std::string>& before) {
    const std::set<std::string> now = hostLinks();
    return std::includes(before.begin(), before.end(), now.begin(), now.end());
}

CreateNetwork createRequest(const NetworkTarget& target, const std::string& id, const NetworkShape& shape) {
    CreateNetwork request{.network_id = id,
                          .options = {{"com.docker.network.generic", target.options},
                                      {"com.docker.network.enable_ipv4", "true"},
                                      {"com.docker.network.enable_ipv6", shape.ipv6 ? "true" : "false"}},
                          .ipv4 = {pool(fmt::format("10.213.{}.0", shape.number), "/24", true)},
                          .ipv6 = {}};
    if (shape.internal) request.options["com.docker.network.internal"] = "true";
    if (shape.ipv6) request.ipv6 = {pool(fmt::format("fd00:213:{}::", shape.number), "/64", true)};
    return request;
}

TestNetwork::TestNetwork(NetworkTarget& target, const NetworkShape& shape)
    : target_(target), id_(randomId()), shape_(shape), request_(createRequest(target, id_, shape)) {
    target_.driver->createNetwork(request_);
}

TestNetwork::~TestNetwork() {
    if (!there_) return;
    try {
        target_.driver->deleteNetwork(id_);
    } catch (...) {  // a destructor: the rule's own failure matters more
    }
}

void TestNetwork::remove() {
    target_.driver->deleteNetwork(id_);
    there_ = false;
}

TestEndpoint::TestEndpoint(const TestNetwork& network, int last, const std::string& mac)
    : driver_(network.driver()), network_(network.id()), id_(randomId()) {
    const int number = network.shape().number;
    request_ = {.network_id = network_,
                .endpoint_id = id_,
                .options = {},
                .interface = {.address = fmt::format("10.213.{}.{}/24", number, last),
                              .address_ipv6 = network.shape().ipv6 ? fmt::format("fd00:213:{}::{}/64", number, last) : "",
                              .mac_address = mac}};
    reply_ = driver_.createEndpoint(request_);
}

TestEndpoint::~TestEndpoint() {
    try {
        leave();
        remove();
    } catch (...) {  // a destructor: the rule's own failure matters more
    }
}

JoinReply TestEndpoint::join(const TestSandbox& sandbox, const std::string& interface) const {
    return driver_.join({.network_id = network_,
                         .endpoint_id = id_,
                         .sandbox_key = sandbox.key(),
                         .options = {{"com.docker.network.endpoint.ifname", "\"" + interface + "\""}}});
}

std::string TestEndpoint::ip() const { return request_.interface.address.substr(0, request_.interface.address.find('/')); }

void requireEndpoints(NetworkTarget& target) {
    const NetworkCapabilities can = target.driver->capabilities();
    if (can.host_namespace || can.no_interface) throw Skipped("its networks have no endpoints of their own");
}

bool eventually(const std::function<bool()>& condition) {
    for (const auto end = std::chrono::steady_clock::now() + kPatience; !condition();) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(kPause);
    }
    return true;
}

bool reaches(const TestSandbox& from, const std::string& ip) {
    bool answered = false;
    linux::inNetworkNamespace(from.fd(), [&] {
        const UniqueFd fd(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "open a socket"));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(9);
        (void)::inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
        if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 || errno == ECONNREFUSED) {
            answered = true;
            return;
        }
        pollfd entry{fd.get(), POLLOUT, 0};
        if (errno != EINPROGRESS || ::poll(&entry, 1, kAnswerMs) != 1) return;
        int failed = 0;
        socklen_t size = sizeof failed;
        (void)::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
        answered = failed == 0 || failed == ECONNREFUSED;
    });
    return answered;
}

}  // namespace davit::conformance
