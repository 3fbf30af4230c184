#include "resolver/server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <thread>

#include "base/file.hpp"
#include "messages.hpp"

using namespace davit;
using namespace davit::resolver;
using namespace davit::resolver::test;
using Operation = Message::Operation;

namespace {

constexpr int kDeadlineMs = 5000;

sockaddr_un unixAddress(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return address;
}

UniqueFd loopbackSocket(int type) {
    UniqueFd socket(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    BOOST_REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    if (type == SOCK_STREAM) BOOST_REQUIRE(::listen(socket.get(), 8) == 0);
    return socket;
}

sockaddr_in boundTo(const UniqueFd& socket) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    BOOST_REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return address;
}

bool waitFor(int fd) {
    pollfd waited{fd, POLLIN, 0};
    return ::poll(&waited, 1, kDeadlineMs) == 1;
}

/// A server on a thread of its own, as davitd sees it.
struct Running {
    TempDir dir;
    std::filesystem::path path = dir.path() / "resolver.sock";
    std::thread thread;
    UniqueFd control;
    sockaddr_in udp{};
    sockaddr_in tcp{};

    Running() {
        UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        const sockaddr_un address = unixAddress(path);
        BOOST_REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        BOOST_REQUIRE(::listen(listener.get(), 4) == 0);
        connect();
        thread = std::thread([this, fd = std::make_shared<UniqueFd>(std::move(listener))] { Server(std::move(*fd), path).run(); });
    }
    ~Running() {
        tell({.operation = Operation::begin});
        tell({.operation = Operation::end});
        control.reset();
        thread.join();
    }
    void connect() {
        control.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        const sockaddr_un address = unixAddress(path);
        BOOST_REQUIRE(::connect(control.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    void tell(const Message& message, const std::vector<int>& descriptors = {}) const {
        (void)sendPacket(control.get(), encode(message), descriptors);
    }
    [[nodiscard]] Message hear() const {
        Packet packet;
        BOOST_REQUIRE(waitFor(control.get()));
        BOOST_REQUIRE((receivePacket(control.get(), packet) == Received::packet));
        return decode(packet.text);
    }
    void set(const SandboxNames& names) {
        const UniqueFd datagrams = loopbackSocket(SOCK_DGRAM);
        const UniqueFd streams = loopbackSocket(SOCK_STREAM);
        const UniqueFd here = openFile("/proc/self/ns/net", O_RDONLY);
        udp = boundTo(datagrams);
        tcp = boundTo(streams);
        tell({.operation = Operation::set, .names = names}, {datagrams.get(), streams.get(), here.get()});
    }
    static SandboxNames names(const std::string& id, const std::string& name, const std::string& address) {
        return {.id = id, .memberships = {{"n1", "net", {name}, {ip(address)}, {}}}};
    }
    /// Over UDP; empty: nothing came.
    std::string ask(const std::string& message) const {
        const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        (void)::sendto(socket.get(), message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&udp), sizeof udp);
        char buffer[65536];
        if (!waitFor(socket.get())) return {};
        const ssize_t got = ::recv(socket.get(), buffer, sizeof buffer, 0);
        return got < 0 ? std::string() : std::string(buffer, static_cast<std::size_t>(got));
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(server_suite)

BOOST_FIXTURE_TEST_CASE(it_says_hello_and_answers_what_it_was_told_before, Running) {
    tell({.operation = Operation::hello, .version = kProtocolVersion});
    BOOST_TEST(hear().version == kProtocolVersion);
    set(names("s1", "web", "10.0.0.2"));
    BOOST_TEST(data(ask(question("web"))).at(0) == "10.0.0.2");  // without waiting for the answer to the message
    BOOST_TEST((hear().operation == Operation::done));
    for (int round = 3; round < 50; ++round) {
        const std::string address = "10.0.0." + std::to_string(round);
        tell({.operation = Operation::set, .names = names("s1", "web", address)});
        BOOST_TEST(data(ask(question("web"))).at(0) == address);
    }
}

BOOST_FIXTURE_TEST_CASE(tcp_clients_may_ask_several_things_in_pieces, Running) {
    set(names("s1", "web", "10.0.0.2"));
    const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    BOOST_REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&tcp), sizeof tcp) == 0);
    std::string both;
    for (const unsigned id : {1U, 2U}) {
        const std::string one = question("web", 1, 0, id);
        number(both, static_cast<unsigned>(one.size()));
        both += one;
    }
    for (const char byte : both) BOOST_REQUIRE(::send(socket.get(), &byte, 1, 0) == 1);
    std::string got;
    char buffer[512];
    while (got.size() < 2 * (2 + answerTo(question("web")).size()) && waitFor(socket.get())) {
        const ssize_t size = ::recv(socket.get(), buffer, sizeof buffer, 0);
        BOOST_REQUIRE(size > 0);
        got.append(buffer, static_cast<std::size_t>(size));
    }
    BOOST_TEST(data(got.substr(2, got.size() / 2 - 2)).at(0) == "10.0.0.2");
}

BOOST_FIXTURE_TEST_CASE(without_sockets_it_asks_for_them, Running) {
    tell({.operation = Operation::set, .names = names("s1", "web", "10.0.0.2")});
    const Message message = hear();
    BOOST_TEST((message.operation == Operation::need));
    BOOST_TEST(message.id == "s1");
}

BOOST_FIXTURE_TEST_CASE(it_goes_on_without_davitd_and_is_brought_up_to_date_by_the_next, Running) {
    set(names("old", "old", "10.0.0.9"));
    set(names("s1", "web", "10.0.0.2"));
    (void)hear();
    (void)hear();
    control.reset();
    BOOST_TEST(data(ask(question("old"))).at(0) == "10.0.0.9");
    connect();
    tell({.operation = Operation::hello, .version = kProtocolVersion});
    BOOST_TEST((hear().operation == Operation::hello));
    tell({.operation = Operation::begin});
    tell({.operation = Operation::set, .names = names("s1", "web", "10.0.0.3")});
    tell({.operation = Operation::end});
    BOOST_TEST(data(ask(question("web"))).at(0) == "10.0.0.3");
    BOOST_TEST(rcode(ask(question("old"))) == 2U);  // forwarded, but there are no servers
    BOOST_TEST((hear().operation == Operation::done));
    BOOST_TEST((hear().operation == Operation::done));
}

BOOST_FIXTURE_TEST_CASE(bytes_that_are_no_question_do_it_no_harm, Running) {
    set(names("s1", "web", "10.0.0.2"));
    const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    for (const std::string& junk : {std::string(), std::string("x"), std::string(12, '\xff'), std::string(4000, '\0'), question("web").substr(0, 20)})
        (void)::sendto(socket.get(), junk.data(), junk.size(), 0, reinterpret_cast<const sockaddr*>(&udp), sizeof udp);
    BOOST_TEST(data(ask(question("web"))).at(0) == "10.0.0.2");
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_talks_nonsense_is_dropped, Running) {
    set(names("s1", "web", "10.0.0.2"));
    (void)hear();
    BOOST_REQUIRE(sendPacket(control.get(), "nonsense"));
    Packet packet;
    BOOST_REQUIRE(waitFor(control.get()));
    BOOST_TEST((receivePacket(control.get(), packet) == Received::end));
    BOOST_TEST(data(ask(question("web"))).at(0) == "10.0.0.2");
    connect();
}

BOOST_AUTO_TEST_CASE(it_ends_with_its_last_sandbox_and_takes_its_socket_along) {
    Running running;
    running.set(Running::names("s1", "web", "10.0.0.2"));
    running.tell({.operation = Operation::remove, .id = "s1"});
    running.control.reset();
    running.thread.join();
    BOOST_TEST(!std::filesystem::exists(running.path));
    running.thread = std::thread([] {});
}

BOOST_AUTO_TEST_CASE(it_ends_when_nobody_can_find_it_any_more) {
    Running running;
    running.set(Running::names("s1", "web", "10.0.0.2"));
    (void)running.hear();
    std::filesystem::remove(running.path);
    running.control.reset();
    running.thread.join();  // it looks every five seconds
    running.thread = std::thread([] {});
}

BOOST_AUTO_TEST_SUITE_END()
