#include "engine/container_rows.hpp"

#include <boost/test/unit_test.hpp>

#include "base/file.hpp"
#include "make_container.hpp"

using namespace davit;
using namespace davit::engine;
using davit::engine::test::makeContainer;

namespace {

struct Fixture {
    TempDir directory;
    state::Database database{{.path = directory.path() / "state.db", .schemas = {ContainerRows::schema()}, .make_space = {}}};
    ContainerRows rows{database};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(container_rows_suite, Fixture)

BOOST_AUTO_TEST_CASE(a_container_comes_back_as_it_was) {
    const Container before = makeContainer();
    rows.insert(before);
    const std::vector<Row> loaded = rows.load();
    BOOST_REQUIRE(loaded.size() == 1);
    const Container& after = loaded[0].container;
    BOOST_TEST(loaded[0].damage == "");
    BOOST_TEST(after.id == before.id);
    BOOST_TEST(after.name == before.name);
    BOOST_TEST((after.created == before.created));
    BOOST_TEST(after.image_ref == before.image_ref);
    BOOST_TEST(after.args == before.args);
    BOOST_TEST(after.config->env == before.config->env);
    BOOST_TEST(after.host_config->network_mode == "none");
    BOOST_TEST((after.state.status == Status::created));
}

BOOST_AUTO_TEST_CASE(mount_points_come_back_whole) {
    Container before = makeContainer();
    runtime::MountPoint mount;
    mount.type = runtime::MountType::volume;
    mount.name = "data";
    mount.driver = "d";
    mount.source = "/first";
    mount.destination = "/d";
    mount.subpath = "a/b";
    mount.anonymous = true;
    mount.rw = mount.copy_data = false;
    before.mounts = {mount};
    rows.insert(before);
    StoredState stored;
    stored.volume_sources = {{"/d", "/second"}};
    rows.saveState(before.id, stored, state::Durability::relaxed);
    const runtime::MountPoint after = rows.load().at(0).container.mounts.at(0);
    BOOST_TEST((after.type == runtime::MountType::volume));
    BOOST_TEST(after.name == "data");
    BOOST_TEST(after.driver == "d");
    BOOST_TEST(after.source == "/second");
    BOOST_TEST(after.subpath == "a/b");
    BOOST_TEST(after.anonymous);
    BOOST_TEST(!after.rw);
    BOOST_TEST(!after.copy_data);
}

BOOST_AUTO_TEST_CASE(the_state_is_replaced) {
    const Container container = makeContainer();
    rows.insert(container);
    StoredState stored;
    stored.state.status = Status::exited;
    stored.state.exit_code = 3;
    stored.state.error = "why \"quoted\"";
    stored.state.finished_at = now();
    stored.restart_count = 2;
    rows.saveState(container.id, stored, state::Durability::relaxed);
    const Row row = rows.load().at(0);
    BOOST_TEST((row.container.state.status == Status::exited));
    BOOST_TEST(row.container.state.exit_code == 3);
    BOOST_TEST(row.container.state.error == "why \"quoted\"");
    BOOST_TEST((row.container.state.finished_at == stored.state.finished_at));
    BOOST_TEST(!row.container.state.started_at.has_value());
    BOOST_TEST(row.container.restart_count == 2);
}

BOOST_AUTO_TEST_CASE(intents_begin_with_the_operation_and_end_with_it) {
    const Container container = makeContainer();
    rows.intendCreate(container.id, {"one", "two"});
    BOOST_TEST(rows.intents().at(0).operation == "create");
    BOOST_TEST(rows.intents().at(0).volumes.size() == 2U);
    rows.insert(container);
    BOOST_TEST(rows.intents().empty());
    rows.remove(container.id, {"one"}, state::Durability::synced);
    BOOST_TEST(rows.load().empty());
    BOOST_TEST(rows.intents().at(0).operation == "remove");
    BOOST_TEST(rows.intents().at(0).volumes.at(0) == "one");
    rows.clearIntent(container.id);
    BOOST_TEST(rows.intents().empty());
}

BOOST_AUTO_TEST_CASE(one_damaged_row_does_not_hide_the_others) {
    const Container good = makeContainer("good");
    const Container bad = makeContainer("bad");
    const Container odd = makeContainer("odd");
    for (const Container* container : {&good, &bad, &odd}) rows.insert(*container);
    database.write(state::Durability::synced, [&](state::Connection& connection) {
        connection.run("UPDATE containers SET config = '{\"Created\":' WHERE id = ?", bad.id);
        connection.run("UPDATE containers SET state = '{\"Status\":\"flying\"}' WHERE id = ?", odd.id);
    });
    int damaged = 0;
    for (const Row& row : rows.load()) {
        BOOST_REQUIRE(row.container.config != nullptr);
        BOOST_REQUIRE(row.container.host_config != nullptr);
        if (!row.damage.empty()) ++damaged;
        BOOST_TEST((row.container.name == "good") == row.damage.empty());
    }
    BOOST_TEST(damaged == 2);
}

BOOST_AUTO_TEST_CASE(a_name_exists_once) {
    rows.insert(makeContainer("same"));
    BOOST_CHECK_THROW(rows.insert(makeContainer("same")), Error);
    BOOST_TEST(rows.load().size() == 1);
}

BOOST_AUTO_TEST_CASE(facts_are_kept) {
    BOOST_TEST(!rows.fact("boot").has_value());
    rows.setFact("boot", "a");
    rows.setFact("boot", "b");
    BOOST_TEST(rows.fact("boot").value() == "b");
}

BOOST_AUTO_TEST_SUITE_END()
