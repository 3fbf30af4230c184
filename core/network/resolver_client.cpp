#include "network/resolver_client.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.hpp"
#include "base/log.hpp"
#include "network/resolver_connection.hpp"

namespace davit::network {
namespace {

using Operation = resolver::Message::Operation;

constexpr int kForever = -1;
constexpr int kAfterFailureMs = 1000;

}  // namespace

ResolverClient::ResolverClient(ResolverOptions options)
    : options_(std::move(options)), wake_(check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "create eventfd")) {}

ResolverClient::~ResolverClient() {
    std::thread thread;
    {
        const Lock lock(mutex_);
        stopping_ = true;
        thread = std::move(thread_);
    }
    wake();
    if (thread.joinable()) thread.join();
    const Lock lock(mutex_);
    if (connection_) connection_->release();
}

void ResolverClient::wake() {
    (void)::eventfd_write(wake_.get(), 1);  // fails only when it counts enough already
}

void ResolverClient::ensureThread() {
    if (!thread_.joinable() && !stopping_) thread_ = std::thread([this] { watch(); });
}

void ResolverClient::restore(std::vector<ResolvedSandbox> sandboxes) {
    const bool maybe_there = std::filesystem::exists(options_.socket);
    const Lock lock(mutex_);
    for (ResolvedSandbox& sandbox : sandboxes) {
        std::string id = sandbox.names.id;
        wanted_[std::move(id)] = {std::move(sandbox), nullptr};
    }
    look_for_one_ = maybe_there;
    if (maybe_there || !wanted_.empty()) ensureThread();
}

ResolverClient::ConnectionPtr ResolverClient::turnFor(const std::string& id) {
    if (ready_) return connection_;
    changed_.insert(id);
    ensureThread();
    return nullptr;
}

void ResolverClient::tellOrDefer(const std::string& id, const ConnectionPtr& connection) {
    if (connection) tell(connection, id, Sockets::as_there);
    wake();  // to begin, or to watch for the answer
}

void ResolverClient::set(ResolvedSandbox sandbox) {
    const std::string id = sandbox.names.id;
    const auto known = [&] {
        const Lock lock(mutex_);
        return wanted_.contains(id);
    };
    std::shared_ptr<ResolverSockets> sockets;
    if (!known()) sockets = std::make_shared<ResolverSockets>(openResolverSockets(sandbox.network_namespace));
    ConnectionPtr connection;
    {
        const Lock lock(mutex_);
        Entry& entry = wanted_[id];
        entry.sandbox = std::move(sandbox);
        if (sockets) entry.sockets = std::move(sockets);
        connection = turnFor(id);
    }
    tellOrDefer(id, connection);
}

void ResolverClient::remove(const std::string& id) noexcept {
    try {
        ConnectionPtr connection;
        {
            const Lock lock(mutex_);
            if (wanted_.erase(id) == 0) return;
            connection = turnFor(id);
        }
        tellOrDefer(id, connection);
    } catch (const std::exception& failure) {
        log::error("sandbox {}: forget its names: {}", id, failure.what());
    }
}

void ResolverClient::tell(const ConnectionPtr& connection, const std::string& id, Sockets needed) {
    std::optional<ResolvedSandbox> sandbox;
    std::shared_ptr<ResolverSockets> sockets;
    {
        const Lock lock(mutex_);
        if (const auto found = wanted_.find(id); found != wanted_.end()) {
            sandbox = found->second.sandbox;
            sockets = std::move(found->second.sockets);
        }
    }
    if (!sandbox) return connection->send({.operation = Operation::remove, .id = id});
    if (!sockets && needed == Sockets::needed)
        sockets = std::make_shared<ResolverSockets>(openResolverSockets(sandbox->network_namespace));
    std::vector<int> descriptors;
    if (sockets) descriptors = {sockets->udp.get(), sockets->tcp.get(), sockets->network_namespace.get()};
    connection->send({.operation = Operation::set, .names = std::move(sandbox->names)}, descriptors);
}

void ResolverClient::watch() {
    while (true) {
        ConnectionPtr connection;
        {
            const Lock lock(mutex_);
            if (stopping_) return;
            connection = connection_;
        }
        try {
            if (connection)
                stepConnected(connection);
            else
                stepAlone();
        } catch (const std::exception& failure) {
            log::error("the resolver of user-defined networks: {}", failure.what());
            pause(kAfterFailureMs);
        }
    }
}

void ResolverClient::pause(int timeout_ms) {
    pollfd waited{wake_.get(), POLLIN, 0};
    (void)::poll(&waited, 1, timeout_ms);
    eventfd_t count = 0;
    (void)::eventfd_read(wake_.get(), &count);  // nothing there is fine
}

void ResolverClient::stepAlone() {
    bool look = false;
    bool needed = false;
    {
        const Lock lock(mutex_);
        look = std::exchange(look_for_one_, false);
        needed = !wanted_.empty();
        changed_.clear();  // whoever comes is told everything
    }
    if (!look && !needed) return pause(kForever);
    ConnectionPtr connection = look ? connectExisting() : nullptr;
    if (!connection && needed) connection = startNew();
    if (!connection) return;
    {
        const Lock lock(mutex_);
        connection_ = connection;
    }
    tellEverything(connection);
}

ResolverClient::ConnectionPtr ResolverClient::connectExisting() { return ResolverConnection::toExisting(options_.socket); }

ResolverClient::ConnectionPtr ResolverClient::startNew() { return ResolverConnection::toNew(options_.program, options_.socket); }

/// Changes that come meanwhile are told at the end, so that none is overtaken by what it replaces.
void ResolverClient::tellEverything(const ConnectionPtr& connection) {
    connection->send({.operation = Operation::begin});
    std::set<std::string> ids;
    {
        const Lock lock(mutex_);
        for (const auto& [id, entry] : wanted_) ids.insert(id);
    }
    const auto tellAll = [&](Sockets sockets) {
        for (const std::string& id : ids) try {
                tell(connection, id, sockets);
            } catch (const Error& failure) {  // this sandbox's: the others get their names
                log::error("sandbox {}: {}", id, failure.text());
            }
    };
    tellAll(connection->isNew() ? Sockets::needed : Sockets::as_there);
    connection->send({.operation = Operation::end});
    while (true) {
        {
            const Lock lock(mutex_);
            ready_ = changed_.empty();
            ids = std::exchange(changed_, {});
        }
        if (ids.empty()) return;
        tellAll(Sockets::as_there);
    }
}

void ResolverClient::stepConnected(const ConnectionPtr& connection) {
    const std::optional<int> left = connection->patienceLeft();
    pollfd waited[] = {{connection->fd(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    const int count = ::poll(waited, 2, left.value_or(kForever));
    if (count < 0 && errno != EINTR) throw Error::system("wait for the resolver", errno);
    if (waited[1].revents != 0) pause(0);
    if (waited[0].revents != 0 && !readAnswers(connection)) return lost(connection);
    if (const std::optional<int> now_left = connection->patienceLeft(); now_left && *now_left == 0) {
        log::error("davit-resolver doesn't answer");
        lost(connection);
    }
}

/// False when the connection has ended.
bool ResolverClient::readAnswers(const ConnectionPtr& connection) {
    bool ended = false;
    while (const std::optional<resolver::Message> message = connection->receive(ended)) {
        if (message->operation == Operation::need) tell(connection, message->id, Sockets::needed);
        if (message->operation != Operation::hello || message->version == resolver::kProtocolVersion) continue;
        log::error("davit-resolver is of version {}, which this davitd doesn't know", message->version);
        return false;
    }
    return !ended;
}

void ResolverClient::lost(const ConnectionPtr& connection) {
    {
        const Lock lock(mutex_);
        connection_.reset();
        ready_ = false;
    }
    const std::string how = connection->end();
    const Lock lock(mutex_);
    if (!wanted_.empty()) log::warning("davit-resolver has ended ({}); it is started again", how);
}

}  // namespace davit::network
