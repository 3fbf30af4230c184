#include "http/server.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <future>
#include <list>
#include <thread>

#include "base/check.hpp"
#include "http/connection.hpp"

namespace davit::http {
namespace {

constexpr std::chrono::milliseconds kAcceptPause{100};

std::string addressText(const sockaddr_storage& address) {
    char text[INET6_ADDRSTRLEN] = "";
    if (address.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
        (void)::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);  // the buffer is large enough
        return fmt::format("{}:{}", text, ntohs(v4.sin_port));
    }
    if (address.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
        (void)::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
        return fmt::format("[{}]:{}", text, ntohs(v6.sin6_port));
    }
    return "@";
}

}  // namespace

struct Server::Impl {
    explicit Impl(ServerOptions options) : core(std::make_shared<ServerCore>(std::move(options))) {
        core->freed = [this] { resume(); };
    }

    // Reactor thread from here on.
    void watchListener(Listener& listener) {
        core->reactor.add(listener.socket.get(), EPOLLIN, [this, &listener](std::uint32_t) { acceptFrom(listener); });
    }

    void pause() {
        if (paused) return;
        paused = true;
        for (Listener& listener : listeners) core->reactor.remove(listener.socket.get());
    }

    void resume() {
        if (!paused || core->stopping || backing_off || full()) return;
        paused = false;
        for (Listener& listener : listeners) watchListener(listener);
    }

    [[nodiscard]] bool full() const { return core->open >= core->options.max_connections; }

    // A listener that can't accept (EMFILE) stays readable: without a pause it would spin.
    void backOff() {
        pause();
        backing_off = true;
        core->reactor.callAfter(kAcceptPause, [this] {
            backing_off = false;
            resume();
        });
    }

    void acceptFrom(Listener& listener) {
        for (int round = 0; round < 64; ++round) {
            if (full()) return pause();
            sockaddr_storage address{};
            socklen_t size = sizeof address;
            UniqueFd socket(::accept4(listener.socket.get(), reinterpret_cast<sockaddr*>(&address), &size,
                                      SOCK_CLOEXEC | SOCK_NONBLOCK));
            if (socket) {
                welcome(listener, std::move(socket), addressText(address));
                continue;
            }
            if (errno == EAGAIN || errno == EWOULDBLOCK) return;
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return backOff();
        }
    }

    void welcome(const Listener& listener, UniqueFd socket, std::string address) {
        if (listener.transport != Transport::unix_socket) {
            const int on = 1;  // events and log lines must not wait for acknowledgements
            (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            (void)::setsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        }
        try {
            auto stream = listener.accept ? listener.accept(std::move(socket)) : streamOf(std::move(socket));
            std::make_shared<Connection>(core, std::move(stream), Peer{listener.transport, std::move(address)})
                ->start();
        } catch (const std::exception& failure) {
            core->report(std::string("accept: ") + failure.what());
        }
    }

    void closeAll(bool busy_too) {
        pause();
        const std::vector<std::shared_ptr<Connection>> all(core->connections.begin(), core->connections.end());
        for (const auto& connection : all)
            if (busy_too || connection->waitsForRequest()) connection->abort();
    }

    void onReactor(std::function<void()> task) {
        auto done = std::make_shared<std::promise<void>>();
        auto waiting = done->get_future();
        core->reactor.post([task = std::move(task), done] {
            task();
            done->set_value();
        });
        waiting.wait();
    }

    std::shared_ptr<ServerCore> core;
    std::list<Listener> listeners;  // addresses stay
    bool paused = false;
    bool backing_off = false;
    std::thread thread;
};

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Server::~Server() { stop(std::chrono::milliseconds(0)); }

void Server::listen(Listener listener) {
    auto holder = std::make_shared<Listener>(std::move(listener));
    impl_->core->reactor.post([impl = impl_.get(), holder] {
        Listener& added = impl->listeners.emplace_back(std::move(*holder));
        if (!impl->paused) impl->watchListener(added);
    });
}

void Server::start() {
    impl_->thread = std::thread([core = impl_->core] {
        try {
            core->reactor.run();
        } catch (const std::exception& failure) {  // a thread's entry
            core->report(std::string("reactor: ") + failure.what());
        }
    });
}

void Server::stop(std::chrono::milliseconds grace) {
    if (!impl_->thread.joinable()) return;
    impl_->core->stopping = true;
    impl_->onReactor([this] { impl_->closeAll(false); });
    (void)impl_->core->workers.waitIdle(grace);  // whoever isn't done by then is cut off
    impl_->onReactor([this] {
        impl_->closeAll(true);
        impl_->listeners.clear();
    });
    impl_->core->workers.join();
    impl_->onReactor([this] { impl_->core->freed = nullptr; });
    impl_->core->reactor.stop();
    impl_->thread.join();
    impl_->core->connections.clear();
}

Reactor& Server::reactor() noexcept { return impl_->core->reactor; }
void Server::runInWorker(std::function<void()> task) { impl_->core->workers.run(std::move(task)); }
std::size_t Server::connections() const noexcept { return impl_->core->open; }

}  // namespace davit::http
