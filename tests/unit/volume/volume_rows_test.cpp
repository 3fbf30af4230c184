#include "volume/volume_rows.hpp"

#include <boost/test/unit_test.hpp>

#include "base/file.hpp"

using namespace davit;
using namespace davit::volume;

namespace {

struct RowsFixture {
    TempDir directory;
    state::Database database{{.path = directory.path() / "state.db", .schemas = {VolumeRows::schema()}, .make_space = {}}};
    VolumeRows rows{database};
    Volume volume{.name = "data",
                  .driver = "d",
                  .mountpoint = "/m",
                  .scope = "global",
                  .created_at = "2026-01-01T00:00:00Z",
                  .options = {{"o", "a=b"}},
                  .labels = {{"k", "\"quoted\""}}};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(volume_rows, RowsFixture)

BOOST_AUTO_TEST_CASE(a_volume_comes_back_as_it_was) {
    rows.intendCreate(volume);
    BOOST_TEST((rows.load().at(0).state == VolumeState::creating));
    rows.save(volume);
    const VolumeRow row = rows.load().at(0);
    BOOST_TEST((row.state == VolumeState::ready));
    BOOST_TEST(row.volume.mountpoint == "/m");
    BOOST_TEST(row.volume.scope == "global");
    BOOST_TEST(row.volume.created_at == volume.created_at);
    BOOST_TEST(row.volume.options.at("o") == "a=b");
    BOOST_TEST(row.volume.labels.at("k") == "\"quoted\"");
    BOOST_TEST(!row.filling);
}

BOOST_AUTO_TEST_CASE(a_copy_under_way_is_marked) {
    rows.save(volume);
    rows.setFilling("data", true);
    BOOST_TEST(rows.load().at(0).filling);
    rows.setFilling("data", false);
    BOOST_TEST(!rows.load().at(0).filling);
}

BOOST_AUTO_TEST_CASE(a_rename_is_two_rows_and_then_one) {
    rows.save(volume);
    Volume renamed = volume;
    renamed.name = "other";
    rows.intendRename("data", renamed);
    BOOST_TEST(rows.load().size() == 2U);
    BOOST_TEST(rows.load().at(1).origin == "data");
    rows.rename("data", renamed);
    BOOST_REQUIRE(rows.load().size() == 1U);
    BOOST_TEST(rows.load().at(0).volume.name == "other");
}

BOOST_AUTO_TEST_SUITE_END()
