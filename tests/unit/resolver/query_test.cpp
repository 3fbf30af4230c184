#include "resolver/query.hpp"

#include <boost/test/unit_test.hpp>

#include "messages.hpp"

using namespace davit;
using namespace davit::resolver;
using namespace davit::resolver::test;

BOOST_AUTO_TEST_SUITE(query_suite)

BOOST_AUTO_TEST_CASE(a_question_is_read) {
    const Query query = parsed(question("WWW.Example.COM", 28, 4000));
    BOOST_TEST(query.name() == "www.example.com");
    BOOST_TEST(query.is(Type::aaaa));
    BOOST_TEST(query.udpLimit() == 4000U);
    BOOST_TEST(parsed(question("x")).udpLimit() == 512U);
    BOOST_TEST(parsed(question("x", 1, 100)).udpLimit() == 512U);
    BOOST_TEST(parsed(question("")).name().empty());
}

BOOST_AUTO_TEST_CASE(what_is_no_question_is_refused_or_ignored) {
    std::string refusal;
    BOOST_TEST(!Query::parse("short", refusal));
    BOOST_TEST(refusal.empty());
    BOOST_TEST(!Query::parse(answerTo(question("x")), refusal));
    BOOST_TEST(refusal.empty());  // an answer is never answered: two resolvers would go on for ever
    std::string update = question("x");
    update[2] = 0x28;
    BOOST_TEST(!Query::parse(update, refusal));
    BOOST_TEST(rcode(refusal) == 4U);
    for (const std::string& broken : {question("x").substr(0, 14), std::string(question("")).replace(5, 1, 1, '\0'),
                                      question("x").substr(0, 12) + std::string("\xc0\x0c\0\1\0\1", 6)}) {
        BOOST_TEST(!Query::parse(broken, refusal));
        BOOST_TEST(rcode(refusal) == 1U);
        BOOST_TEST(refusal.substr(0, 2) == broken.substr(0, 2));
    }
}

BOOST_AUTO_TEST_CASE(addresses_are_answered_in_the_question_s_spelling) {
    const std::string reply = parsed(question("WeB")).addresses({ip("10.0.0.2"), ip("10.0.0.3")}, 512);
    BOOST_TEST(data(reply) == (std::vector<std::string>{"10.0.0.2", "10.0.0.3"}), boost::test_tools::per_element());
    BOOST_TEST(reply.find("WeB") != std::string::npos);
    const PacketPtr packet = read(reply);
    BOOST_TEST(::ldns_pkt_id(packet.get()) == 0x1234);
    BOOST_TEST(::ldns_pkt_qr(packet.get()));
    BOOST_TEST(::ldns_pkt_rd(packet.get()));
    BOOST_TEST(::ldns_pkt_ra(packet.get()));
    BOOST_TEST(!::ldns_pkt_aa(packet.get()));
    BOOST_TEST(!::ldns_pkt_tc(packet.get()));
    BOOST_TEST(::ldns_rr_ttl(::ldns_rr_list_rr(::ldns_pkt_answer(packet.get()), 0)) == 600U);
    BOOST_TEST(data(parsed(question("six", 28)).addresses({ip("fd00::2")}, 512)).at(0) == "fd00::2");
}

BOOST_AUTO_TEST_CASE(edns_is_answered_with_edns) {
    BOOST_TEST(::ldns_pkt_edns(read(parsed(question("a", 1, 1232)).empty(Rcode::none)).get()));
    BOOST_TEST(!::ldns_pkt_edns(read(parsed(question("a")).empty(Rcode::none)).get()));
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_cut_and_says_so) {
    std::vector<IpAddress> many;
    for (unsigned number = 0; number < 300; ++number) many.push_back({IpFamily::v4, (10U << 24U) + number});
    for (const unsigned size : {0U, 1232U, 4096U}) {
        const Query query = parsed(question("many", 1, size));
        const std::string reply = query.addresses(many, query.udpLimit());
        BOOST_TEST(reply.size() <= query.udpLimit());
        BOOST_TEST(reply.size() + 16 > query.udpLimit());
        BOOST_TEST(::ldns_pkt_tc(read(reply).get()));
    }
    BOOST_TEST(answers(parsed(question("many")).addresses(many, kTcpLimit)) == 300U);
}

BOOST_AUTO_TEST_CASE(reverse_names_are_addresses) {
    const auto address = [](std::string_view name) {
        const std::optional<IpAddress> found = parsed(question(name, 12)).reverseAddress();
        return found ? found->text() : std::string("none");
    };
    BOOST_TEST(address("2.0.0.10.IN-ADDR.arpa") == "10.0.0.2");
    BOOST_TEST(address("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa") == "fd00::2");
    for (const char* name : {"0.0.10.in-addr.arpa", "x.0.0.10.in-addr.arpa", "300.0.0.10.in-addr.arpa", "1.d.f.ip6.arpa", "in-addr.arpa",
                             "web", "1.2.0.0.10.in-addr.arpa"})
        BOOST_TEST(address(name) == "none");
}

BOOST_AUTO_TEST_CASE(a_pointer_is_answered) {
    const Query query = parsed(question("2.0.0.10.in-addr.arpa", 12));
    BOOST_TEST(data(query.pointer("web.front", 512)).at(0) == "web.front.");
    BOOST_TEST(answers(query.pointer(std::string(80, 'x'), 512)) == 0U);
}

BOOST_AUTO_TEST_CASE(only_the_answer_to_the_question_is_taken) {
    const Query query = parsed(question("name.test"));
    const std::string asked = query.forwarded(7);
    BOOST_TEST((query.judge(answerTo(asked), 7) == Verdict::accepted));
    BOOST_TEST((query.judge(answerTo(question("NAME.test", 1, 0, 7)), 7) == Verdict::accepted));
    BOOST_TEST((query.judge(answerTo(asked), 8) == Verdict::foreign));
    BOOST_TEST((query.judge(asked, 7) == Verdict::foreign));
    BOOST_TEST((query.judge(answerTo(question("other.test", 1, 0, 7)), 7) == Verdict::foreign));
    BOOST_TEST((query.judge(answerTo(question("name.test", 28, 0, 7)), 7) == Verdict::foreign));
    BOOST_TEST((query.judge("", 7) == Verdict::foreign));
    BOOST_TEST((query.judge(answerTo(asked).substr(0, 40), 7) == Verdict::retry));
}

BOOST_AUTO_TEST_CASE(failures_send_to_the_next_server_and_other_rcodes_to_the_client) {
    const Query query = parsed(question("name.test"));
    const std::string asked = query.forwarded(7);
    for (const unsigned failure : {2U, 5U}) BOOST_TEST((query.judge(answerTo(asked, failure), 7) == Verdict::retry));
    for (const unsigned said : {0U, 1U, 3U, 4U}) BOOST_TEST((query.judge(answerTo(asked, said), 7) == Verdict::accepted));
    std::string bare = answerTo(asked, 1).substr(0, 12);
    bare[5] = 0;
    BOOST_TEST((query.judge(bare, 7) == Verdict::retry));
}

BOOST_AUTO_TEST_CASE(a_returned_reply_has_the_client_s_id_and_fits) {
    const Query query = parsed(question("name.test"));
    const std::string reply = answerTo(query.forwarded(7));
    BOOST_TEST(query.returned(reply, 512) == answerTo(question("name.test")));
    const std::string cut = query.returned(reply, 20);
    BOOST_TEST(::ldns_pkt_tc(read(cut).get()));
    BOOST_TEST(answers(cut) == 0U);
    std::string broken = answerTo(query.forwarded(7)).substr(0, 45);
    broken[2] = static_cast<char>(static_cast<unsigned char>(broken[2]) | 2U);
    BOOST_TEST((query.judge(broken, 7) == Verdict::accepted));  // cut by the server in the middle of a record
    BOOST_TEST(::ldns_pkt_tc(read(query.returned(broken, 512)).get()));
}

BOOST_AUTO_TEST_SUITE_END()
