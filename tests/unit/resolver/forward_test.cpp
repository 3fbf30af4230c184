#include "resolver/forward.hpp"

#include <fcntl.h>

#include <boost/test/unit_test.hpp>
#include <set>

#include "base/file.hpp"
#include "fake_upstream.hpp"
#include "messages.hpp"

using namespace davit;
using namespace davit::resolver;
using namespace davit::resolver::test;

namespace {

using Replies = std::vector<std::string>;

struct Place {
    EventLoop loop;
    NamespaceSwitch namespaces;
    UniqueFd here = openFile("/proc/self/ns/net", O_RDONLY);
    Query query = parsed(question("name.test"));

    /// Asks the servers 127.0.0.1, .2, … at that port until the reply comes.
    std::string ask(std::uint16_t port, int servers = 1, Transport transport = Transport::udp, std::size_t limit = 512) {
        ForwardOptions options{.upstreams = {}, .namespace_fd = here.get(), .transport = transport, .limit = limit, .port = port};
        options.patience = std::chrono::milliseconds(30);
        for (int number = 1; number <= servers; ++number) options.upstreams.push_back({"127.0.0." + std::to_string(number), number % 2 == 0});
        return wait(std::move(options));
    }
    std::string wait(ForwardOptions options) {
        std::string result = "nothing";
        bool done = false;
        const Forward forward(loop, namespaces, parsed(question("name.test")), std::move(options), [&](std::string reply) {
            BOOST_TEST(!done);
            result = std::move(reply);
            done = true;
        });
        BOOST_TEST(!done);  // never from within the constructor
        while (!done) loop.turn();
        return result;
    }
    static Replies good(const std::string& question) { return {answerTo(question)}; }
    static Replies silent(const std::string&) { return {}; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(forward_suite)

BOOST_FIXTURE_TEST_CASE(the_reply_comes_back_under_the_client_s_id, Place) {
    std::set<std::string> ids;
    FakeUpstream server(loop, [&](const std::string& asked) {
        ids.insert(asked.substr(0, 2));
        return good(asked);
    });
    for (int round = 0; round < 20; ++round) BOOST_TEST(ask(server.port()) == answerTo(question("name.test")));
    BOOST_TEST(ids.size() > 15U);
}

BOOST_FIXTURE_TEST_CASE(a_server_that_fails_refuses_or_is_silent_is_followed_by_the_next, Place) {
    for (const FakeUpstream::Reply& bad :
         {FakeUpstream::Reply([](const std::string& asked) -> Replies { return {answerTo(asked, 2)}; }),
          FakeUpstream::Reply([](const std::string& asked) -> Replies { return {answerTo(asked, 5)}; }), FakeUpstream::Reply(silent),
          FakeUpstream::Reply([](const std::string& asked) -> Replies { return {answerTo(asked).substr(0, 40)}; })}) {
        FakeUpstream first(loop, bad);
        FakeUpstream second(loop, good, first.port(), 2);
        BOOST_TEST(data(ask(first.port(), 2)).at(0) == "10.0.0.7");
        BOOST_TEST(first.datagrams == 1);
        BOOST_TEST(second.datagrams == 1);
    }
}

BOOST_FIXTURE_TEST_CASE(where_nobody_listens_the_next_is_asked_at_once, Place) {
    FakeUpstream second(loop, good, 0, 2);
    BOOST_TEST(data(ask(second.port(), 2)).at(0) == "10.0.0.7");
}

BOOST_FIXTURE_TEST_CASE(when_all_have_failed_the_client_hears_so, Place) {
    FakeUpstream first(loop, silent);
    BOOST_TEST(rcode(ask(first.port(), 2)) == 2U);
    BOOST_TEST(rcode(ask(first.port(), 0)) == 2U);
    ForwardOptions options{.upstreams = {{"no address", false}, {"fe80::1%nowhere", false}}, .namespace_fd = here.get()};
    BOOST_TEST(rcode(wait(std::move(options))) == 2U);
    ForwardOptions nowhere{.upstreams = {{"127.0.0.1", false}}, .namespace_fd = -1, .port = first.port()};
    BOOST_TEST(rcode(wait(std::move(nowhere))) == 2U);
    BOOST_TEST(first.datagrams == 1);
}

BOOST_FIXTURE_TEST_CASE(more_than_three_servers_are_not_asked, Place) {
    FakeUpstream fourth(loop, good, 0, 4);
    BOOST_TEST(rcode(ask(fourth.port(), 4)) == 2U);
    BOOST_TEST(fourth.datagrams == 0);
}

BOOST_FIXTURE_TEST_CASE(that_the_name_is_unknown_is_an_answer, Place) {
    FakeUpstream first(loop, [](const std::string& asked) -> Replies { return {answerTo(asked, 3)}; });
    FakeUpstream second(loop, good, first.port(), 2);
    BOOST_TEST(rcode(ask(first.port(), 2)) == 3U);
    BOOST_TEST(second.datagrams == 0);
}

BOOST_FIXTURE_TEST_CASE(forged_replies_are_passed_over, Place) {
    FakeUpstream server(loop, [](const std::string& asked) -> Replies {
        std::string other = asked;
        other[0] = static_cast<char>(other[0] + 1);
        return {"", answerTo(other), answerTo(question("evil.test")), answerTo(asked)};
    });
    BOOST_TEST(data(ask(server.port())).at(0) == "10.0.0.7");
}

BOOST_FIXTURE_TEST_CASE(tcp_questions_go_over_tcp, Place) {
    FakeUpstream server(loop, good);
    BOOST_TEST(data(ask(server.port(), 1, Transport::tcp, kTcpLimit)).at(0) == "10.0.0.7");
    BOOST_TEST(server.connections == 1);
    BOOST_TEST(server.datagrams == 0);
    FakeUpstream dumb(loop, silent);
    BOOST_TEST(rcode(ask(dumb.port(), 1, Transport::tcp, kTcpLimit)) == 2U);
    BOOST_TEST(rcode(ask(1, 1, Transport::tcp, kTcpLimit)) == 2U);
}

BOOST_FIXTURE_TEST_CASE(giving_up_leaves_nothing_in_the_loop, Place) {
    FakeUpstream server(loop, silent);
    {
        const Forward forward(loop, namespaces, parsed(question("name.test")),
                              {.upstreams = {{"127.0.0.1", false}}, .namespace_fd = here.get(), .port = server.port()},
                              [](const std::string&) { BOOST_ERROR("called after it was destroyed"); });
    }
    bool over = false;
    const EventLoop::Timer timer = loop.after(std::chrono::milliseconds(5), [&] { over = true; });
    while (!over) loop.turn();
    BOOST_TEST(server.datagrams == 1);
}

BOOST_AUTO_TEST_SUITE_END()
