// What the network suite checks with: networks and endpoints of a target that are gone at the end of their rule, sandboxes, and a look
// at the kernel's links.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "conformance/other_suites.hpp"

namespace davit::conformance {

/// A network namespace, gone with this object.
class TestSandbox {
  public:
    TestSandbox();
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    /// What JoinRequest::sandbox_key is.
    [[nodiscard]] std::string key() const;
    /// The names of its links without the loopback.
    [[nodiscard]] std::set<std::string> links() const;

  private:
    UniqueFd fd_;
};

/// The names of this namespace's links.
[[nodiscard]] std::set<std::string> hostLinks();

/// Whether all of this namespace's links were there before; of those some may have been on their way out.
[[nodiscard]] bool noLinksBeyond(const std::set<std::string>& before);

/// How a network of the suite is: 10.213.N.0/24 and, with `ipv6`, fd00:213:N::/64.
struct NetworkShape {
    int number = 7;
    bool ipv6 = false;
    bool internal = false;
};

[[nodiscard]] CreateNetwork createRequest(const NetworkTarget& target, const std::string& id, const NetworkShape& shape = {});

/// Created now, deleted at the end.
class TestNetwork {
  public:
    explicit TestNetwork(NetworkTarget& target, const NetworkShape& shape = {});
    TestNetwork(const TestNetwork&) = delete;
    TestNetwork& operator=(const TestNetwork&) = delete;
    ~TestNetwork();
    /// deleteNetwork() with its errors; the destructor has nothing to do then.
    void remove();
    [[nodiscard]] const std::string& id() const noexcept { return id_; }
    [[nodiscard]] const CreateNetwork& request() const noexcept { return request_; }
    [[nodiscard]] NetworkDriver& driver() const noexcept { return *target_.driver; }
    [[nodiscard]] const NetworkShape& shape() const noexcept { return shape_; }

  private:
    NetworkTarget& target_;
    std::string id_;
    NetworkShape shape_;
    CreateNetwork request_;
    bool there_ = true;
};

/// Created now; left and deleted at the end.
class TestEndpoint {
  public:
    /// Its addresses end in `last`.
    explicit TestEndpoint(const TestNetwork& network, int last = 2, const std::string& mac = {});
    TestEndpoint(const TestEndpoint&) = delete;
    TestEndpoint& operator=(const TestEndpoint&) = delete;
    ~TestEndpoint();
    JoinReply join(const TestSandbox& sandbox, const std::string& interface = "eth0") const;
    void leave() const { driver_.leave(network_, id_); }
    void remove() const { driver_.deleteEndpoint(network_, id_); }
    [[nodiscard]] const std::string& id() const noexcept { return id_; }
    [[nodiscard]] const CreateEndpoint& request() const noexcept { return request_; }
    [[nodiscard]] const EndpointInterface& reply() const noexcept { return reply_; }
    /// 10.213.N.LAST
    [[nodiscard]] std::string ip() const;

  private:
    NetworkDriver& driver_;
    std::string network_;
    std::string id_;
    CreateEndpoint request_;
    EndpointInterface reply_;
};

/// Skips the rule for drivers whose networks have no endpoints of their own.
void requireEndpoints(NetworkTarget& target);

/// Waits for what a driver may do after its reply; false when it didn't happen within some seconds.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);

/// True when a TCP connection from one sandbox to an address in the other is answered, if only by a refusal.
[[nodiscard]] bool reaches(const TestSandbox& from, const std::string& ip);

}  // namespace davit::conformance
