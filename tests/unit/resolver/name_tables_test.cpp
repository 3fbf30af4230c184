#include "resolver/name_tables.hpp"

#include <boost/test/unit_test.hpp>

#include "messages.hpp"

using namespace davit;
using namespace davit::resolver;
using test::ip;

namespace {

struct Tables {
    NameTables tables;
    Tables() {
        tables.set({.id = "web", .memberships = {{"n1", "front", {"Web", "www", "shared", "0123456789ab"}, {ip("10.0.0.2"), ip("fd00::2")}, {}}}});
        tables.set({.id = "db",
                    .memberships = {{"n1", "front", {"db", "shared"}, {ip("10.0.0.3")}, {{"server", "web"}}},
                                    {"n2", "back.end", {"db"}, {ip("10.1.0.3")}, {}}}});
        tables.set({.id = "lone", .memberships = {{"n2", "back.end", {"lone.x"}, {ip("10.1.0.4")}, {}}}});
    }
    std::vector<std::string> find(const std::string& who, std::string_view name, IpFamily family = IpFamily::v4) {
        std::vector<std::string> found;
        for (const IpAddress& one : tables.resolve(*tables.find(who), name, family).addresses) found.push_back(one.text());
        return found;
    }
    bool known(const std::string& who, std::string_view name) { return tables.resolve(*tables.find(who), name, IpFamily::v4).known; }
};

using Texts = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(name_tables_suite)

BOOST_FIXTURE_TEST_CASE(names_aliases_and_short_ids_are_found_in_any_case, Tables) {
    for (const char* name : {"web", "www", "0123456789ab"}) BOOST_TEST(find("db", name) == Texts{"10.0.0.2"}, boost::test_tools::per_element());
    BOOST_TEST(find("web", "web") == Texts{"10.0.0.2"}, boost::test_tools::per_element());
    BOOST_TEST(lowered("WeB") == "web");
}

BOOST_FIXTURE_TEST_CASE(a_shared_alias_has_all_addresses, Tables) {
    BOOST_TEST(find("web", "shared") == (Texts{"10.0.0.2", "10.0.0.3"}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(only_networks_of_the_asking_sandbox_are_searched, Tables) {
    BOOST_TEST(!known("lone", "web"));
    BOOST_TEST(!known("web", "lone.x"));
    BOOST_TEST(find("lone", "db") == Texts{"10.1.0.3"}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(the_first_network_that_knows_the_name_answers, Tables) {
    BOOST_TEST(find("db", "db") == Texts{"10.0.0.3"}, boost::test_tools::per_element());
    BOOST_TEST(find("db", "db.back.end") == Texts{"10.1.0.3"}, boost::test_tools::per_element());
    BOOST_TEST(find("db", "lone.x") == Texts{"10.1.0.4"}, boost::test_tools::per_element());
    BOOST_TEST(find("db", "lone.x.back.end") == Texts{"10.1.0.4"}, boost::test_tools::per_element());
    BOOST_TEST(!known("db", "db.elsewhere"));
    BOOST_TEST(!known("db", "end"));
    BOOST_TEST(!known("db", ""));
    BOOST_TEST(!known("db", "."));
}

BOOST_FIXTURE_TEST_CASE(a_link_is_its_sandbox_s_alone_and_hides_others, Tables) {
    BOOST_TEST(find("db", "server") == Texts{"10.0.0.2"}, boost::test_tools::per_element());
    BOOST_TEST(!known("web", "server"));
    tables.set({.id = "new", .memberships = {{"n1", "front", {"server"}, {ip("10.0.0.9")}, {}}}});
    BOOST_TEST(find("web", "server") == Texts{"10.0.0.9"}, boost::test_tools::per_element());
    BOOST_TEST(find("db", "server") == Texts{"10.0.0.2"}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_name_without_an_address_of_the_family_is_known, Tables) {
    const NameTables::Found found = tables.resolve(*tables.find("web"), "db", IpFamily::v6);
    BOOST_TEST(found.known);
    BOOST_TEST(found.addresses.empty());
    BOOST_TEST(find("db", "web", IpFamily::v6) == Texts{"fd00::2"}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(reverse_lookups_name_the_network, Tables) {
    BOOST_TEST(tables.nameOf(*tables.find("db"), ip("10.0.0.2")) == "web.front");
    BOOST_TEST(tables.nameOf(*tables.find("db"), ip("fd00::2")) == "web.front");
    BOOST_TEST(tables.nameOf(*tables.find("db"), ip("10.1.0.4")) == "lone.x.back.end");
    BOOST_TEST(tables.nameOf(*tables.find("web"), ip("10.1.0.4")).empty());
}

BOOST_FIXTURE_TEST_CASE(replacing_and_removing_leaves_nothing_of_the_old, Tables) {
    tables.set({.id = "web", .memberships = {{"n1", "front", {"web"}, {ip("10.0.0.7")}, {}}}});
    BOOST_TEST(find("db", "web") == Texts{"10.0.0.7"}, boost::test_tools::per_element());
    BOOST_TEST(!known("db", "www"));
    BOOST_TEST(tables.nameOf(*tables.find("db"), ip("10.0.0.2")).empty());
    tables.remove("web");
    tables.remove("web");
    BOOST_TEST(!known("db", "web"));
    BOOST_TEST(find("db", "shared") == Texts{"10.0.0.3"}, boost::test_tools::per_element());
    tables.remove("db");
    tables.remove("lone");
    BOOST_TEST(tables.empty());
}

BOOST_FIXTURE_TEST_CASE(an_address_s_next_owner_keeps_it_when_the_last_goes, Tables) {
    tables.set({.id = "next", .memberships = {{"n1", "front", {"next"}, {ip("10.0.0.2")}, {}}}});
    tables.remove("web");
    BOOST_TEST(tables.nameOf(*tables.find("db"), ip("10.0.0.2")) == "next.front");
}

BOOST_AUTO_TEST_SUITE_END()
