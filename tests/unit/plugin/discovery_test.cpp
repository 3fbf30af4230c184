#include "plugin/discovery.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <thread>

#include "base/error.hpp"
#include "garbage_server.hpp"
#include "plugin_fixtures.hpp"

using namespace davit;
using namespace davit::plugin;
using namespace davit::plugin::test;

namespace {

struct Fixture {
    Places places;
    std::filesystem::path second = places.make("specs2");
    DiscoveryPaths paths{.socket_directories = {places.sockets}, .spec_directories = {places.specs, second}};

    static void write(const std::filesystem::path& file, const std::string& text) {
        makeDirectories(file.parent_path(), 0755);
        std::ofstream(file) << text;
    }
    std::string found(const std::string& name) const {
        const auto server = findServer(paths, name);
        return server ? server->file.lexically_relative(places.root.path()).native() : "none";
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(discovery, Fixture)

BOOST_AUTO_TEST_CASE(the_documented_order_decides) {
    write(second / "n.json", "{}");
    BOOST_TEST(found("n") == "specs2/n.json");
    write(places.specs / "n" / "n.json", "{}");
    BOOST_TEST(found("n") == "specs/n/n.json");
    write(places.specs / "n" / "n.spec", "");
    BOOST_TEST(found("n") == "specs/n/n.spec");
    write(places.specs / "n.spec", "");
    BOOST_TEST(found("n") == "specs/n.spec");
    makeDirectories(places.sockets / "n", 0755);
    const GarbageServer nested(places.sockets / "n" / "n.sock", GarbageServer::always(""));
    BOOST_TEST(found("n") == "sockets/n/n.sock");
    const GarbageServer flat(places.sockets / "n.sock", GarbageServer::always(""));
    BOOST_TEST(found("n") == "sockets/n.sock");
    BOOST_TEST(findServers(paths).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_file_that_only_looks_like_a_socket_is_none) {
    write(places.sockets / "n.sock", "");
    BOOST_TEST(found("n") == "none");
}

BOOST_AUTO_TEST_CASE(names_never_lead_out_of_the_directories) {
    write(places.root.path() / "x.spec", "");
    for (const char* name : {"../x", "..", ".", "", "a/b"}) BOOST_TEST(found(name) == "none");
}

BOOST_AUTO_TEST_CASE(the_content_is_read_with_the_file_in_every_error) {
    write(places.specs / "good.spec", " tcp://127.0.0.1:4711 \n");
    BOOST_TEST(addressOf(*findServer(paths, "good")).text() == "tcp://127.0.0.1:4711");
    write(places.specs / "bad.spec", "/run/x.sock");
    const Error e = errorOf([&] { (void)addressOf(*findServer(paths, "bad")); });
    BOOST_TEST(e.text().starts_with((places.specs / "bad.spec").native()), e.text());
    BOOST_TEST(e.text().find("Unknown protocol") != std::string::npos, e.text());
}

BOOST_AUTO_TEST_SUITE_END()
