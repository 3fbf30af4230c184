// HttpTransport: calls a plugin server over Docker's plugin HTTP protocol. Connections are kept alive and reused.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/thread_annotations.hpp"
#include "http/client.hpp"
#include "plugin/server_address.hpp"
#include "plugin/transport.hpp"

namespace davit::plugin {

/// Any thread, concurrently: a call takes an idle connection or makes one.
class HttpTransport : public Transport {
  public:
    /// How long making a connection may take; the smaller of this and the call's timeout counts.
    static constexpr std::chrono::milliseconds kConnectTimeout{2000};

    explicit HttpTransport(ServerAddress address) : address_(std::move(address)) {}

    /// A call that found its kept connection closed is repeated once on a new one: plugin methods are idempotent. A
    /// streamed call gets a new connection from the start, because its body can't be sent twice. 404 is
    /// Error{unimplemented}; other statuses than 200 are the server's refusal.
    std::string call(const Call& call) override;
    [[nodiscard]] const ServerAddress& address() const noexcept { return address_; }
    /// Closes the idle connections.
    void dropIdle();

  private:
    using Connection = std::unique_ptr<http::ClientConnection>;
    [[nodiscard]] Connection takeIdle() DAVIT_EXCLUDES(mutex_);
    void giveBack(Connection connection) DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] Connection connect(const Call& call) const;
    [[nodiscard]] Error noAnswer(const Call& call) const;
    [[nodiscard]] Error badReply(const Call& call, const Error& failure) const;
    std::string exchange(Connection connection, const Call& call, bool& answered);

    ServerAddress address_;
    Mutex mutex_;
    std::vector<Connection> idle_ DAVIT_GUARDED_BY(mutex_);
};

/// The query of a call whose body is raw: the string members of the request, names in lower case ("id=…&parent=…").
[[nodiscard]] std::string queryOf(std::string_view request_json);

}  // namespace davit::plugin
