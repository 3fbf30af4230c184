#include "network/resolver_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>
#include <cstring>

#include "base/check.hpp"
#include "base/file.hpp"
#include "network/net_namespace.hpp"
#include "network/resolver_connection.hpp"

using namespace davit;
using namespace davit::network;

namespace {

constexpr int kDeadlineMs = 10'000;
constexpr int kPieceMs = 100;

/// A question of type A for a name of one label; its reply's last four bytes are the address.
std::string question(const std::string& name) {
    std::string message("\x12\x34\x01\0\0\1\0\0\0\0\0\0", 12);
    message += static_cast<char>(name.size());
    return message + name + std::string("\0\0\1\0\1", 5);
}

/// What 127.0.0.11 says inside: the address, "nothing" for an empty answer; repeated while nobody answers, as clients do.
std::string lookUp(const std::filesystem::path& path, const std::string& name) {
    std::string result = "silence";
    inNamespace(path, [&] {
        const UniqueFd socket(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
        sockaddr_in server{};
        server.sin_family = AF_INET;
        server.sin_addr.s_addr = htonl(0x7f00000b);
        server.sin_port = htons(53);
        const std::string message = question(name);
        for (int waited = 0; waited < kDeadlineMs; waited += kPieceMs) {
            (void)::sendto(socket.get(), message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&server), sizeof server);
            pollfd ready{socket.get(), POLLIN, 0};
            char buffer[512];
            if (::poll(&ready, 1, kPieceMs) != 1) continue;
            const ssize_t got = ::recv(socket.get(), buffer, sizeof buffer, 0);
            if (got < 12) continue;
            char text[INET_ADDRSTRLEN];
            result = buffer[7] == 0 ? "nothing" : ::inet_ntop(AF_INET, buffer + got - 4, text, sizeof text);
            return;
        }
    });
    return result;
}

struct Place {
    TempDir dir;
    std::filesystem::path one = dir.path() / "netns" / "one";
    std::filesystem::path two = dir.path() / "netns" / "two";
    ResolverOptions options{.program = DAVIT_TEST_RESOLVER, .socket = dir.path() / "resolver.sock"};
    std::unique_ptr<ResolverClient> client = std::make_unique<ResolverClient>(options);

    Place() {
        makeNamespace(one);
        makeNamespace(two);
    }
    ~Place() {
        for (const char* id : {"one", "two"}) client->remove(id);
        client.reset();
        for (const std::filesystem::path& file : {one, two}) removeNamespace(file);
    }
    static ResolvedSandbox sandbox(const std::string& id, const std::filesystem::path& path, const std::string& address) {
        return {.names = {.id = id, .memberships = {{"n", "net", {id}, {IpAddress::parse(address).value()}, {}}}}, .network_namespace = path};
    }
    void setBoth() {
        client->set(sandbox("one", one, "10.0.0.1"));
        client->set(sandbox("two", two, "10.0.0.2"));
    }
    [[nodiscard]] bool gone() const {
        for (int waited = 0; waited < kDeadlineMs && std::filesystem::exists(options.socket); waited += kPieceMs)
            (void)::poll(nullptr, 0, kPieceMs);
        return !std::filesystem::exists(options.socket);
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(resolver_client, Place)

BOOST_AUTO_TEST_CASE(sandboxes_find_each_other_as_soon_as_they_are_set) {
    setBoth();
    BOOST_TEST(lookUp(one, "two") == "10.0.0.2");
    BOOST_TEST(lookUp(two, "one") == "10.0.0.1");
    for (int number = 3; number < 40; ++number) {
        const std::string address = "10.0.0." + std::to_string(number);
        client->set(sandbox("one", one, address));
        BOOST_TEST(lookUp(two, "one") == address);
    }
    client->remove("two");
    BOOST_TEST(lookUp(one, "two") == "nothing");
}

BOOST_AUTO_TEST_CASE(the_next_client_finds_the_resolver_and_brings_it_up_to_date) {
    setBoth();
    BOOST_TEST(lookUp(one, "two") == "10.0.0.2");
    client.reset();
    BOOST_TEST(lookUp(one, "two") == "10.0.0.2");
    const auto before = std::filesystem::last_write_time(options.socket);
    client = std::make_unique<ResolverClient>(options);
    client->restore({sandbox("one", one, "10.0.0.7")});
    while (lookUp(one, "two") != "nothing") continue;
    BOOST_TEST(lookUp(one, "one") == "10.0.0.7");
    BOOST_TEST((std::filesystem::last_write_time(options.socket) == before));
    client->set(sandbox("two", two, "10.0.0.8"));
    BOOST_TEST(lookUp(one, "two") == "10.0.0.8");
    BOOST_TEST(lookUp(two, "one") == "10.0.0.7");
}

BOOST_AUTO_TEST_CASE(what_an_earlier_one_had_is_started_again_where_no_resolver_is) {
    client->restore({sandbox("one", one, "10.0.0.1"), sandbox("two", two, "10.0.0.2")});
    BOOST_TEST(lookUp(one, "two") == "10.0.0.2");
}

BOOST_AUTO_TEST_CASE(a_resolver_that_is_killed_comes_again_with_all_names) {
    setBoth();
    BOOST_TEST(lookUp(one, "two") == "10.0.0.2");
    client.reset();
    (void)ResolverConnection::toExisting(options.socket)->end();
    client = std::make_unique<ResolverClient>(options);
    client->restore({sandbox("one", one, "10.0.0.1"), sandbox("two", two, "10.0.0.2")});
    BOOST_TEST(lookUp(one, "two") == "10.0.0.2");
    BOOST_TEST(lookUp(two, "one") == "10.0.0.1");
}

BOOST_AUTO_TEST_CASE(it_goes_with_the_last_sandbox) {
    setBoth();
    client->remove("one");
    client->remove("two");
    BOOST_TEST(gone());
    setBoth();
    BOOST_TEST(lookUp(one, "two") == "10.0.0.2");
}

BOOST_AUTO_TEST_CASE(a_program_that_is_not_there_fails_no_start) {
    client = std::make_unique<ResolverClient>(ResolverOptions{.program = "/nowhere/davit-resolver", .socket = options.socket});
    client->set(sandbox("one", one, "10.0.0.1"));
    client->remove("one");
}

BOOST_AUTO_TEST_CASE(a_namespace_that_is_not_there_fails_its_own_sandbox) {
    BOOST_CHECK_THROW(client->set(sandbox("three", dir.path() / "none", "10.0.0.3")), Error);
    setBoth();
    BOOST_TEST(lookUp(one, "two") == "10.0.0.2");
}

BOOST_AUTO_TEST_SUITE_END()
