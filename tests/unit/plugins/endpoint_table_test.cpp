#include <boost/test/unit_test.hpp>

#include "base/json.hpp"
#include "common/endpoint_table.hpp"

using namespace davit;

namespace {

struct Endpoint {
    std::string id;
    std::string network_id;
    std::optional<IpPrefix> ipv4, ipv6;
    std::string note = {};
};

std::string toJson(const Endpoint& endpoint) { return json::quote(endpoint.note); }

const std::string kId = "0123456789ab", kNetwork = "aaaaaaaaaaaa", kOther = "bbbbbbbbbbbb";

Endpoint endpointAt(const std::string& address) {
    return readEndpoint<Endpoint>({.network_id = kNetwork, .endpoint_id = kId, .options = {}, .interface = {.address = address}});
}

bool isConflict(const Error& e) { return e.code() == Code::conflict && e.text() == "endpoint " + kId + " exists already"; }

struct Fixture {
    StateJournal journal{{}};
    EndpointTable<Endpoint> table{journal};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(endpoint_table, Fixture)

BOOST_AUTO_TEST_CASE(what_is_kept_has_a_record_until_it_is_erased) {
    (void)table.add(endpointAt("10.0.0.2/24"));
    Endpoint changed = table.find(kNetwork, kId).value();
    changed.note = "joined";
    table.keep(changed);
    BOOST_TEST(journal.records().at("endpoint/" + kId) == "\"joined\"");
    changed.note.clear();
    table.keepReduced(changed);
    BOOST_TEST(journal.records().at("endpoint/" + kId) == "\"\"");
    BOOST_TEST(table.find(kNetwork, kId)->note == "");
    table.erase(kId);
    BOOST_TEST(journal.records().empty());
    BOOST_TEST(table.all().empty());
}

BOOST_AUTO_TEST_CASE(a_repeated_creation_gets_what_is_there) {
    Endpoint first = endpointAt("10.0.0.2/24");
    first.note = "first";
    (void)table.add(first);
    BOOST_TEST(table.add(endpointAt("10.0.0.2/24")).note == "first");
    BOOST_CHECK_EXCEPTION(table.add(endpointAt("10.0.0.3/24")), Error, isConflict);
    BOOST_TEST(table.all().size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_endpoint_is_found_on_its_network_only) {
    table.restore(endpointAt("10.0.0.2/24"));
    BOOST_TEST(journal.records().empty());
    BOOST_TEST(table.find(kNetwork, kId).has_value());
    BOOST_TEST(!table.find(kOther, kId));
    table.requireNoneOn(kOther);
    BOOST_CHECK_EXCEPTION(table.requireNoneOn(kNetwork), Error, [](const Error& e) {
        return e.code() == Code::forbidden && e.text() == "network " + kNetwork + " has active endpoints";
    });
}

BOOST_AUTO_TEST_CASE(addresses_are_those_of_their_family) {
    BOOST_TEST(endpointAt("10.0.0.2/24").ipv4->text() == "10.0.0.2/24");
    BOOST_TEST(!endpointAt("").ipv4);
    for (const char* address : {"10.0.0.2.3", "fd00::2/64"})
        BOOST_CHECK_EXCEPTION((void)endpointAt(address), Error, [](const Error& e) { return e.code() == Code::invalid; });
}

BOOST_AUTO_TEST_SUITE_END()
