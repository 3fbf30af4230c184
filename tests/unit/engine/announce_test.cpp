#include "engine/announce.hpp"

#include <boost/test/unit_test.hpp>

#include "make_container.hpp"

using namespace davit;
using namespace davit::engine;
using namespace std::chrono_literals;

namespace {

/// What `publish` puts into a log.
template <typename Publish>
Event published(const Publish& publish) {
    EventLog log;
    const auto reader = log.subscribe({});
    publish(log);
    const auto events = reader->read();
    BOOST_REQUIRE(events.size() == 1);
    return *events.front();
}

Container labelled(std::map<std::string, std::string> labels) {
    Container container = test::makeContainer("web");
    auto config = *container.config;
    config.labels = std::move(labels);
    container.config = std::make_shared<const runtime::ContainerConfig>(std::move(config));
    container.image_ref = "busybox:test";
    return container;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(announce_suite)

BOOST_AUTO_TEST_CASE(a_containers_event_carries_labels_image_and_name) {
    const Container container = labelled({{"a", "b"}, {"name", "hidden"}, {"signal", "hidden"}});
    const Event event = published([&](EventLog& log) { announce(log, container, "kill", {{"signal", "15"}}); });
    BOOST_TEST((event.type == EventType::container));
    BOOST_TEST(event.action == "kill");
    BOOST_TEST(event.actor_id == container.id);
    BOOST_TEST((event.attributes == EventAttributes{{"a", "b"}, {"image", "busybox:test"}, {"name", "web"}, {"signal", "15"}}));
}

BOOST_AUTO_TEST_CASE(a_death_tells_how_and_after_how_long) {
    Container container = labelled({});
    container.state.exit_code = 137;
    container.state.started_at = SystemTime(100s);
    container.state.finished_at = SystemTime(107900ms);
    const Event event = published([&](EventLog& log) { announceDeath(log, container); });
    BOOST_TEST(event.action == "die");
    BOOST_TEST(event.attributes.at("exitCode") == "137");
    BOOST_TEST(event.attributes.at("execDuration") == "7");
}

BOOST_AUTO_TEST_CASE(a_networks_event_names_its_driver_and_the_container) {
    network::Network network;
    network.id = "1234";
    network.config.name = "back";
    network.config.driver = "bridge";
    const Event plain = published([&](EventLog& log) { announce(log, network, "create"); });
    BOOST_TEST((plain.attributes == EventAttributes{{"name", "back"}, {"type", "bridge"}}));
    const Event joined = published([&](EventLog& log) { announce(log, network, "connect", "4711"); });
    BOOST_TEST((joined.attributes == EventAttributes{{"container", "4711"}, {"name", "back"}, {"type", "bridge"}}));
    BOOST_TEST(joined.actor_id == "1234");
}

BOOST_AUTO_TEST_CASE(an_images_event_carries_its_labels_and_what_it_was_called) {
    const image::ImageEvent told{.action = "tag", .image_id = "sha256:ab", .name = "app:1", .labels = {{"v", "1"}}};
    const Event event = published([&](EventLog& log) { announce(log, told); });
    BOOST_TEST((event.type == EventType::image));
    BOOST_TEST((event.attributes == EventAttributes{{"name", "app:1"}, {"v", "1"}}));
}

BOOST_AUTO_TEST_CASE(a_prune_has_no_object) {
    const Event event = published([](EventLog& log) { announcePrune(log, EventType::image, 2028971); });
    BOOST_TEST(event.action == "prune");
    BOOST_TEST(event.actor_id.empty());
    BOOST_TEST((event.attributes == EventAttributes{{"reclaimed", "2028971"}}));
}

BOOST_AUTO_TEST_SUITE_END()
