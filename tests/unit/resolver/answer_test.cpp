#include "resolver/answer.hpp"

#include <boost/test/unit_test.hpp>
#include <set>

#include "messages.hpp"

using namespace davit;
using namespace davit::resolver;
using namespace davit::resolver::test;

namespace {

struct Place {
    NameTables tables;
    SandboxNames self{.id = "self", .memberships = {{"n1", "net", {"self"}, {ip("10.0.0.2")}, {}}}, .upstreams = {{"10.9.9.9", false}}};
    Place() {
        tables.set(self);
        for (unsigned number = 3; number < 7; ++number)
            tables.set({.id = std::to_string(number),
                        .memberships = {{"n1", "net", {"c" + std::to_string(number), "all"}, {{IpFamily::v4, (10U << 24U) + number}}, {}}}});
    }
    std::optional<std::string> ask(std::string_view name, unsigned type = 1) {
        tables.set(self);
        return answer(tables, *tables.find("self"), parsed(question(name, type)), 512);
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(answer_suite)

BOOST_FIXTURE_TEST_CASE(a_known_name_is_answered_here_and_an_unknown_one_forwarded, Place) {
    BOOST_TEST(data(ask("c3").value()).at(0) == "10.0.0.3");
    BOOST_TEST(data(ask("c3.net").value()).at(0) == "10.0.0.3");
    BOOST_TEST(!ask("c99").has_value());
    BOOST_TEST(!ask("www.example.com").has_value());
}

BOOST_FIXTURE_TEST_CASE(all_addresses_of_an_alias_come_in_changing_order, Place) {
    std::set<std::string> first;
    for (int round = 0; round < 200; ++round) {
        const std::vector<std::string> found = data(ask("all").value());
        BOOST_REQUIRE(found.size() == 4U);
        first.insert(found[0]);
    }
    BOOST_TEST(first.size() == 4U);
}

BOOST_FIXTURE_TEST_CASE(a_known_name_without_ipv6_is_no_upstream_s_business, Place) {
    const std::string reply = ask("c3", 28).value();
    BOOST_TEST(rcode(reply) == 0U);
    BOOST_TEST(answers(reply) == 0U);
}

BOOST_FIXTURE_TEST_CASE(known_names_have_no_mail_servers_and_other_types_are_forwarded, Place) {
    BOOST_TEST(answers(ask("c3", 15).value()) == 0U);
    BOOST_TEST(!ask("c99", 15).has_value());
    BOOST_TEST(!ask("c3", 16).has_value());
}

BOOST_FIXTURE_TEST_CASE(members_addresses_have_names_and_others_are_forwarded, Place) {
    BOOST_TEST(data(ask("3.0.0.10.in-addr.arpa", 12).value()).at(0) == "c3.net.");
    BOOST_TEST(!ask("99.0.0.10.in-addr.arpa", 12).has_value());
}

BOOST_FIXTURE_TEST_CASE(without_a_way_out_nothing_is_forwarded, Place) {
    self.forward = false;
    BOOST_TEST(rcode(ask("www.example.com").value()) == 2U);
    BOOST_TEST(rcode(ask("c3", 16).value()) == 2U);
    BOOST_TEST(data(ask("c3").value()).at(0) == "10.0.0.3");
    self.forward = true;
    self.upstreams.clear();
    BOOST_TEST(rcode(ask("www.example.com").value()) == 2U);
}

BOOST_FIXTURE_TEST_CASE(with_ndots_set_a_name_without_a_dot_is_only_local, Place) {
    self.ndots_set = true;
    for (const unsigned type : {1U, 28U}) {
        const std::string reply = ask("c99", type).value();
        BOOST_TEST(rcode(reply) == 0U);
        BOOST_TEST(answers(reply) == 0U);
    }
    BOOST_TEST(!ask("c99.example").has_value());
    BOOST_TEST(!ask("c99", 16).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
