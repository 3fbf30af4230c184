#include "api/router.hpp"

#include <boost/test/unit_test.hpp>

#include "api/handlers/handlers.hpp"
#include "base/error.hpp"

using namespace davit;
using namespace davit::api;

BOOST_AUTO_TEST_SUITE(router)

BOOST_AUTO_TEST_CASE(version_prefix_is_cut_off) {
    const VersionedPath path = splitTarget("/v1.41/containers/json?all=1");
    BOOST_TEST(*path.version == "1.41");
    BOOST_TEST(path.path == "/containers/json");
    BOOST_TEST(!splitTarget("/version").version.has_value());
    BOOST_TEST(splitTarget("/volumes/x").path == "/volumes/x");
    BOOST_TEST(splitTarget("/v/x").path == "/v/x");
    BOOST_TEST(splitTarget("http://docker/v1.24/info").path == "/info");
    BOOST_TEST(splitTarget("/images/a%2Fb/json").path == "/images/a/b/json");
    BOOST_CHECK_THROW((void)splitTarget("/a%2"), Error);
    BOOST_CHECK_THROW((void)splitTarget("/a%00b"), Error);
}

BOOST_AUTO_TEST_CASE(versions_compare_by_number) {
    BOOST_TEST((*ApiVersion::parse("1.9") < *ApiVersion::parse("1.10")));
    BOOST_TEST((*ApiVersion::parse("2.0") > *ApiVersion::parse("1.51")));
    BOOST_TEST(!ApiVersion::parse("1.x").has_value());
    BOOST_TEST(!ApiVersion::parse("1.41.2").has_value());
    BOOST_TEST(!ApiVersion::parse("").has_value());
}

BOOST_AUTO_TEST_CASE(names_may_contain_slashes) {
    Router router;
    router.add("GET", "/images/json", [](Request&) {});
    router.add("GET", "/images/{name}/json", [](Request&) {});
    router.add("GET", "/images/{name}/history", [](Request&) {});
    const auto match = router.find("GET", "/images/localhost:5000/a/b/json/json");
    BOOST_TEST_REQUIRE(match.has_value());
    BOOST_TEST(match->variables.find("name")->second == "localhost:5000/a/b/json");
    BOOST_TEST(router.find("GET", "/images/json").has_value());
    BOOST_TEST(!router.find("POST", "/images/json").has_value());
    BOOST_TEST(!router.find("GET", "/images//json").has_value());
    BOOST_TEST(!router.find("GET", "/images/x/").has_value());
    BOOST_TEST(!router.find("GET", "//images/json").has_value());
}

BOOST_AUTO_TEST_CASE(two_variables_share_a_path) {
    Router router;
    router.add("DELETE", "/containers/{name}/checkpoints/{checkpoint}", [](Request&) {});
    const auto match = router.find("DELETE", "/containers/c/checkpoints/p");
    BOOST_TEST_REQUIRE(match.has_value());
    BOOST_TEST(match->variables.find("name")->second == "c");
    BOOST_TEST(match->variables.find("checkpoint")->second == "p");
}

BOOST_AUTO_TEST_CASE(a_container_named_json_is_no_list) {
    Router router;
    router.add("GET", "/containers/json", [](Request&) {});
    router.add("GET", "/containers/{name}/json", [](Request&) {});
    const auto match = router.find("GET", "/containers/json/json");
    BOOST_TEST_REQUIRE(match.has_value());
    BOOST_TEST(match->variables.find("name")->second == "json");
}

BOOST_AUTO_TEST_CASE(swarm_and_missing_endpoints_have_routes_of_their_own) {
    Router router;
    addSwarmRoutes(router);
    addUnimplementedRoutes(router);
    BOOST_TEST(router.find("GET", "/swarm").has_value());
    BOOST_TEST(router.find("POST", "/services/x/update").has_value());
    BOOST_TEST(router.find("POST", "/commit").has_value());
    BOOST_TEST(router.find("PUT", "/containers/x/archive").has_value());
    BOOST_TEST(!router.find("GET", "/nothing").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
