#include <boost/test/unit_test.hpp>
#include <future>

#include "fake_driver.hpp"

using namespace davit;
using namespace davit::volume;
using namespace davit::volume::test;

namespace {

const MountRequest kMount{"data", "box", "id-1"};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(volume_mounts, Fixture)

BOOST_AUTO_TEST_CASE(mounts_of_a_container_end_together) {
    make("data");
    make("more");
    BOOST_TEST(controller->mount(kMount) == (directory.path() / "here/data").native());
    (void)controller->mount(kMount);
    (void)controller->mount({"more", "box", "id-2"});
    (void)controller->mount({"more", "other", "id-3"});
    const auto leaving = controller->retire("box");
    BOOST_TEST(leaving.size() == 2U);
    BOOST_TEST(controller->retire("box").empty());
    for (const auto& one : leaving) controller->unmount(one);
    BOOST_TEST(here->users("data") == 0U);
    BOOST_TEST(here->users("more") == 1U);
}

BOOST_AUTO_TEST_CASE(a_mount_waits_for_the_unmount_of_the_run_before) {
    make("data", "there");
    (void)controller->mount(kMount);
    const auto leaving = controller->retire("box").at(0);
    auto next = std::async(std::launch::async, [&] { return controller->mount(kMount); });
    BOOST_TEST((next.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout));
    controller->unmount(leaving);
    next.get();
    BOOST_TEST(there->users("data") == 1U);
}

BOOST_AUTO_TEST_CASE(a_hanging_mount_delays_nothing_of_other_volumes) {
    make("slow", "there");
    make("data");
    there->hold("Mount");
    auto hanging = std::async(std::launch::async, [&] { return controller->mount({"slow", "box", "id"}); });
    while (there->count("Mount slow") == 0) std::this_thread::yield();
    (void)controller->mount(kMount);
    BOOST_TEST(names().size() == 2U);
    BOOST_TEST(controller->inspect("slow").driver == "there");
    there->release();
    hanging.get();
}

// A plugin that was upgraded: what the old one holds it goes on serving.
BOOST_AUTO_TEST_CASE(a_mounted_volume_keeps_its_driver_object) {
    make("data", "there");
    make("free", "there");
    (void)controller->mount(kMount);
    const auto second = std::make_shared<FakeDriver>(directory.path() / "there");
    second->create("data", {});
    second->create("free", {});
    source.drivers["there"] = second;
    (void)controller->mount({"data", "other", "id-2"});
    (void)controller->mount({"free", "other", "id-3"});
    BOOST_TEST(there->users("data") == 2U);
    BOOST_TEST(second->users("free") == 1U);
    for (const char* user : {"box", "other"})
        for (const auto& one : controller->retire(user)) controller->unmount(one);
    BOOST_TEST(there->users("data") == 0U);
    (void)controller->mount(kMount);
    BOOST_TEST(second->users("data") == 1U);
}

BOOST_AUTO_TEST_CASE(an_empty_volume_is_filled_once) {
    make("data");
    int copies = 0;
    const auto copy = [&](const std::string& path) {
        ++copies;
        writeFileAtomically(std::filesystem::path(path) / "f", "content");
    };
    controller->fill(kMount, copy);
    controller->fill(kMount, copy);
    BOOST_TEST(copies == 1);
    BOOST_TEST(here->users("data") == 0U);
}

BOOST_AUTO_TEST_CASE(a_copy_that_was_cut_short_is_made_again) {
    make("data");
    BOOST_CHECK_THROW(controller->fill(kMount, [&](const std::string& path) {
        writeFileAtomically(std::filesystem::path(path) / "half", "x");
        throw Error(Code::system, "no space left on device");
    }), Error);
    start();
    controller->fill(kMount, [&](const std::string& path) { writeFileAtomically(std::filesystem::path(path) / "whole", "x"); });
    BOOST_TEST(!std::filesystem::exists(directory.path() / "here/data/half"));
    BOOST_TEST(std::filesystem::exists(directory.path() / "here/data/whole"));
}

BOOST_AUTO_TEST_CASE(a_removal_ends_what_a_gone_container_has_mounted) {
    make("data", "", "box");
    (void)controller->mount(kMount);
    controller->release("data", "box");
    controller->remove("data", false);
    BOOST_TEST(here->users("data") == 0U);
    BOOST_TEST(!here->has("data"));
}

// Its unmount may be under way: the removal waits for it, and isn't forgotten.
BOOST_AUTO_TEST_CASE(a_volume_is_discarded_while_it_is_unmounted) {
    make("data", "there", "box");
    (void)controller->mount(kMount);
    const auto leaving = controller->retire("box").at(0);
    there->hold("Unmount");
    auto unmounting = std::async(std::launch::async, [&] { controller->unmount(leaving); });
    while (there->count("Unmount data") == 0) std::this_thread::yield();
    controller->release("data", "box");
    BOOST_TEST(controller->discard("data").has_value());
    BOOST_TEST(!controller->discard("data").has_value());
    auto removing = std::async(std::launch::async, [&] { controller->removeDiscarded("data"); });
    there->release();
    unmounting.get();
    removing.get();
    BOOST_TEST(!there->has("data"));
    BOOST_TEST(there->users("data") == 0U);
}

BOOST_AUTO_TEST_CASE(a_discarded_volume_is_there_for_nobody) {
    make("data", "", "box");
    BOOST_TEST(!controller->discard("data").has_value());
    controller->release("data", "box");
    BOOST_TEST(controller->discard("data").has_value());
    BOOST_TEST(names().empty());
    BOOST_TEST(here->has("data"));
    controller->removeDiscarded("data");
    BOOST_TEST(!here->has("data"));
    BOOST_TEST(VolumeRows(*database).load().empty());
}

BOOST_AUTO_TEST_SUITE_END()
