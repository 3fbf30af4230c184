#include "api/views/event_view.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit;
using namespace davit::api;

namespace {

engine::Event event(engine::EventType type, std::string action, std::string id, engine::EventAttributes attributes) {
    return {type, std::move(action), std::move(id), std::move(attributes), SystemTime(std::chrono::nanoseconds(1'700'000'000'000'000'012))};
}

constexpr const char* kEnd = R"(,"scope":"local","time":1700000000,"timeNano":1700000000000000012})" "\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(event_view)

// The expected lines are dockerd 20.10's.
BOOST_AUTO_TEST_CASE(containers_and_images_have_the_old_members) {
    BOOST_TEST(eventLine(event(engine::EventType::container, "die", "4711", {{"exitCode", "0"}, {"image", "busybox:test"}}), true) ==
               R"({"status":"die","id":"4711","from":"busybox:test","Type":"container","Action":"die",)"
               R"("Actor":{"ID":"4711","Attributes":{"exitCode":"0","image":"busybox:test"}})" + std::string(kEnd));
    BOOST_TEST(eventLine(event(engine::EventType::image, "tag", "sha256:ab", {{"name", "other:1"}}), true) ==
               R"({"status":"tag","id":"sha256:ab","Type":"image","Action":"tag",)"
               R"("Actor":{"ID":"sha256:ab","Attributes":{"name":"other:1"}})" + std::string(kEnd));
    BOOST_TEST(eventLine(event(engine::EventType::container, "prune", "", {{"reclaimed", "0"}}), true) ==
               R"({"status":"prune","Type":"container","Action":"prune","Actor":{"ID":"","Attributes":{"reclaimed":"0"}})" +
                   std::string(kEnd));
}

BOOST_AUTO_TEST_CASE(networks_never_had_them_and_api_1_52_has_none) {
    BOOST_TEST(eventLine(event(engine::EventType::network, "create", "ab", {}), true) ==
               R"({"Type":"network","Action":"create","Actor":{"ID":"ab","Attributes":{}})" + std::string(kEnd));
    BOOST_TEST(eventLine(event(engine::EventType::container, "start", "ab", {{"image", "x"}}), false) ==
               R"({"Type":"container","Action":"start","Actor":{"ID":"ab","Attributes":{"image":"x"}})" + std::string(kEnd));
}

BOOST_AUTO_TEST_SUITE_END()
