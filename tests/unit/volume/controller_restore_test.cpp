#include <boost/test/unit_test.hpp>

#include "fake_driver.hpp"

using namespace davit;
using namespace davit::volume;
using namespace davit::volume::test;

BOOST_FIXTURE_TEST_SUITE(volume_restore, Fixture)

BOOST_AUTO_TEST_CASE(volumes_come_back_with_their_labels_and_users) {
    controller->create({.name = "data", .driver = "there", .options = {{"o", "x"}}, .labels = {{"k", "v"}}}, "box");
    start();
    controller->use("data", "box");
    const Volume after = controller->inspect("data");
    BOOST_TEST(after.driver == "there");
    BOOST_TEST(after.options.at("o") == "x");
    BOOST_TEST(after.labels.at("k") == "v");
    BOOST_CHECK_THROW(controller->remove("data", false), Error);
}

BOOST_AUTO_TEST_CASE(mounts_of_running_containers_are_taken_up_without_asking_the_driver) {
    make("data", "there", "box");
    const MountRequest request{"data", "box", "id-1"};
    (void)controller->mount(request);
    start();
    controller->use("data", "box");
    controller->restoreMount(request);
    BOOST_TEST(there->count("Mount data") == 1);
    for (const auto& one : controller->retire("box")) controller->unmount(one);
    BOOST_TEST(there->users("data") == 0U);
}

BOOST_AUTO_TEST_CASE(mounts_of_containers_that_do_not_run_are_ended) {
    make("data", "there", "box");
    make("more", "there", "other");
    (void)controller->mount({"data", "box", "id-1"});
    (void)controller->mount({"more", "other", "id-2"});
    start();
    const auto leaving = controller->retireOthers({"other"});
    BOOST_REQUIRE(leaving.size() == 1U);
    controller->unmount(leaving[0]);
    BOOST_TEST(there->users("data") == 0U);
    BOOST_TEST(there->users("more") == 1U);
    BOOST_TEST(VolumeRows(*database).mounts().size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_unmount_that_fails_is_tried_again_at_the_next_start) {
    make("data", "there", "box");
    (void)controller->mount({"data", "box", "id-1"});
    there->fail("Unmount", Code::unavailable);
    const auto leaving = controller->retire("box");
    BOOST_CHECK_THROW(controller->unmount(leaving.at(0)), Error);
    there->fail("");
    start();
    for (const auto& one : controller->retireOthers({})) controller->unmount(one);
    BOOST_TEST(there->users("data") == 0U);
}

BOOST_AUTO_TEST_CASE(an_interrupted_create_is_undone) {
    for (const char* driver : {"here", "there"}) {
        Volume volume;
        volume.name = "half";
        volume.driver = driver;
        VolumeRows(*database).intendCreate(volume);
        source.drivers.at(driver)->create("half", {});
        start();
        BOOST_TEST(!source.drivers.at(driver)->has("half"));
        BOOST_TEST(VolumeRows(*database).load().empty());
    }
}

BOOST_AUTO_TEST_CASE(an_interrupted_removal_is_finished) {
    make("data");
    VolumeRows(*database).setState("data", VolumeState::removing);
    start();
    BOOST_TEST(!here->has("data"));
    BOOST_TEST(names().empty());
}

BOOST_AUTO_TEST_CASE(what_a_dead_plugin_left_half_done_waits_for_it) {
    make("data", "there");
    VolumeRows(*database).setState("data", VolumeState::removing);
    source.dead = {"there"};
    start();
    BOOST_TEST(VolumeRows(*database).load().size() == 1U);
    source.dead.clear();
    const auto again = controller->create({.name = "data", .driver = "there", .options = {}, .labels = {}});
    BOOST_TEST(again.made);
    BOOST_TEST(there->count("Remove data") == 1);
}

BOOST_AUTO_TEST_CASE(an_answer_that_was_lost_leaves_an_intent_and_not_a_volume) {
    there->fail("Create", Code::deadline);
    BOOST_CHECK_THROW(make("data", "there"), Error);
    BOOST_TEST(names().empty());
    BOOST_TEST(VolumeRows(*database).load().size() == 1U);
    there->fail("");
    start();
    BOOST_TEST(there->count("Remove data") == 1);
    BOOST_TEST(VolumeRows(*database).load().empty());
}

BOOST_AUTO_TEST_CASE(an_interrupted_rename_ends_on_one_of_the_names) {
    make("old");
    Volume after = controller->inspect("old");
    after.name = "new";
    VolumeRows(*database).intendRename("old", after);
    start();
    BOOST_TEST(names() == std::vector<std::string>{"old"}, boost::test_tools::per_element());
    VolumeRows(*database).intendRename("old", after);
    here->rename("old", "new");
    start();
    BOOST_TEST(names() == std::vector<std::string>{"new"}, boost::test_tools::per_element());
    BOOST_TEST(VolumeRows(*database).load().size() == 1U);
}

BOOST_AUTO_TEST_CASE(lost_rows_are_made_up_for_from_our_own_drivers) {
    here->create("orphan", {});
    start();
    BOOST_TEST(names().empty());
    start(true);
    BOOST_TEST(names() == std::vector<std::string>{"orphan"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_damaged_record_is_that_volumes_fault) {
    make("good");
    make("bad");
    database->write(state::Durability::synced, [](state::Connection& connection) {
        connection.run("UPDATE volumes SET document = '{' WHERE name = 'bad'");
    });
    start();
    BOOST_TEST(names().size() == 2U);
    controller->remove("bad", false);
    BOOST_TEST(!here->has("bad"));
}

BOOST_AUTO_TEST_SUITE_END()
