#include "engine/event_filter.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit::engine;

namespace {

Event container(const std::string& action) {
    return {.type = EventType::container,
            .action = action,
            .actor_id = "4711aabb",
            .attributes = {{"name", "web-1"}, {"image", "registry:5000/team/app:1.2"}, {"tier", "front"}}};
}

Event network(const std::string& action) {
    return {.type = EventType::network, .action = action, .actor_id = "beef00", .attributes = {{"name", "back"}, {"type", "bridge"}}};
}

Event image(const std::string& action) {
    return {.type = EventType::image, .action = action, .actor_id = "sha256:cafe", .attributes = {{"name", "app:1.2"}}};
}

bool accepts(const std::string& filters, const Event& event) { return EventFilter(Filters::parse(filters)).accepts(event); }

}  // namespace

BOOST_AUTO_TEST_SUITE(event_filter_suite)

BOOST_AUTO_TEST_CASE(no_filter_accepts_everything) {
    BOOST_TEST(accepts("", container("start")));
    BOOST_TEST(accepts("{}", network("connect")));
    BOOST_TEST(accepts(R"({"no-such-filter":["x"]})", network("connect")));
}

BOOST_AUTO_TEST_CASE(type_scope_and_event_are_exact) {
    BOOST_TEST(accepts(R"({"type":["container","image"]})", container("start")));
    BOOST_TEST(!accepts(R"({"type":["contain"]})", container("start")));
    BOOST_TEST(accepts(R"({"event":["start"]})", container("start")));
    BOOST_TEST(!accepts(R"({"event":["star"]})", container("start")));
    BOOST_TEST(accepts(R"({"scope":["local"]})", container("start")));
    BOOST_TEST(!accepts(R"({"scope":["swarm"]})", container("start")));
}

BOOST_AUTO_TEST_CASE(actions_with_a_command_are_found_by_their_beginning) {
    BOOST_TEST(accepts(R"({"event":["exec_create"]})", container("exec_create: ls -l")));
    BOOST_TEST(accepts(R"({"event":["exec_start","die"]})", container("die")));
    BOOST_TEST(!accepts(R"({"event":["exec_create"]})", container("exec_start: ls")));
    BOOST_TEST(!accepts(R"({"event":["exec"]})", container("exec_create: ls")));
    BOOST_TEST(accepts(R"({"event":["exec_create: ls -l"]})", container("exec_create: ls -l")));
}

BOOST_AUTO_TEST_CASE(objects_are_found_by_the_beginning_of_id_or_name) {
    for (const char* value : {"4711", "4711aabb", "web", "web-1"})
        BOOST_TEST(accepts(R"({"container":[")" + std::string(value) + "\"]}", container("start")), value);
    BOOST_TEST(!accepts(R"({"container":["eb-1"]})", container("start")));
    BOOST_TEST(accepts(R"({"network":["ba"]})", network("create")));
    // As in dockerd the type of the event doesn't matter.
    BOOST_TEST(!accepts(R"({"container":["web-1"]})", network("connect")));
    BOOST_TEST(accepts(R"({"volume":["web"]})", container("start")));
}

BOOST_AUTO_TEST_CASE(images_are_exact_with_or_without_tag) {
    BOOST_TEST(accepts(R"({"image":["registry:5000/team/app:1.2"]})", container("start")));
    BOOST_TEST(accepts(R"({"image":["registry:5000/team/app"]})", container("start")));
    BOOST_TEST(!accepts(R"({"image":["registry:5000/team/ap"]})", container("start")));
    BOOST_TEST(accepts(R"({"image":["app"]})", image("tag")));
    BOOST_TEST(accepts(R"({"image":["sha256:cafe"]})", image("tag")));
    BOOST_TEST(!accepts(R"({"image":["app"]})", container("start")));
}

BOOST_AUTO_TEST_CASE(all_labels_hold_and_names_are_combined) {
    BOOST_TEST(accepts(R"({"label":["tier"]})", container("start")));
    BOOST_TEST(accepts(R"({"label":["tier=front"]})", container("start")));
    BOOST_TEST(!accepts(R"({"label":["tier=front","zone"]})", container("start")));
    BOOST_TEST(!accepts(R"({"label":["tier=front"],"event":["die"]})", container("start")));
    BOOST_TEST(accepts(R"({"event":{"start":true,"die":true},"container":["web-1"]})", container("die")));
}

BOOST_AUTO_TEST_SUITE_END()
