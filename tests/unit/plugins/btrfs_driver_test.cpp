#include "plugins/storage/btrfs/btrfs_driver.hpp"

#include <btrfsutil.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "plugins/driver_fixtures.hpp"

using namespace davit;
using archive::Tar;
namespace fs = std::filesystem;

using Btrfs = Driven<BtrfsDriver>;

namespace {

struct OnBtrfs {
    OnBtrfs() : disk("btrfs", {"-q"}, "") {
        if (!disk.works()) BOOST_TEST_MESSAGE("skipped: no btrfs here");
    }
    LoopFileSystem disk;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(btrfs_driver)

BOOST_AUTO_TEST_CASE(layers_are_snapshots) {
    const OnBtrfs on;
    if (!on.disk.works()) return;
    Btrfs btrfs(on.disk.mounted() / "home");
    btrfs.layer("1", "", Tar().dir("etc").file("etc/a", "1").file("gone").done());
    btrfs.layer("2", "1", Tar().file("etc/a", "22").file(".wh.gone").done());
    btrfs.writable("3", "2");
    BOOST_TEST(archive::textOf(btrfs.get("1") / "etc/a") == "1");
    BOOST_TEST(archive::textOf(btrfs.get("2") / "etc/a") == "22");
    BOOST_TEST(btrfs.changes("2", "1") == "C/etc C/etc/a D/gone ");
    BOOST_TEST(archive::listing(btrfs.diff("2", "1")) == "d:etc f:etc/a f:.wh.gone ");
    writeFileAtomically(btrfs.get("3") / "own", "x");
    BOOST_TEST(btrfs.changes("3", "2") == "A/own ");
    BOOST_TEST((::btrfs_util_is_subvolume((on.disk.mounted() / "home/layers" / layerId("3") / "root").c_str()) ==
                BTRFS_UTIL_OK));
    BOOST_TEST(btrfs.driver.mounts(layerId("3"), "")[0].type == "bind");
}

BOOST_AUTO_TEST_CASE(removal_takes_subvolumes_made_inside_along) {
    const OnBtrfs on;
    if (!on.disk.works()) return;
    Btrfs btrfs(on.disk.mounted() / "home");
    btrfs.writable("1", "");
    const fs::path root = btrfs.get("1");
    btrfs.put("1");
    BOOST_REQUIRE((::btrfs_util_create_subvolume((root / "inner").c_str(), 0, nullptr, nullptr) == BTRFS_UTIL_OK));
    writeFileAtomically(root / "inner/f", "x");
    btrfs.driver.remove(layerId("1"));
    BOOST_TEST(becomesEmpty(on.disk.mounted() / "home/trash"));
    BOOST_TEST(btrfs.driver.list().empty());
}

BOOST_AUTO_TEST_CASE(half_made_layers_are_swept) {
    const OnBtrfs on;
    if (!on.disk.works()) return;
    const fs::path home = on.disk.mounted() / "home";
    { Btrfs first(home); }
    makeDirectories(home / "staging/half", 0755);
    BOOST_REQUIRE(
        (::btrfs_util_create_subvolume((home / "staging/half/root").c_str(), 0, nullptr, nullptr) == BTRFS_UTIL_OK));
    makeDirectories(home / "staging/half/root/dir", 0755);
    Btrfs second(home);
    BOOST_TEST(fs::is_empty(home / "staging"));
}

BOOST_AUTO_TEST_CASE(quota_groups_bound_what_is_its_own) {
    const OnBtrfs on;
    if (!on.disk.works()) return;
    Btrfs btrfs(on.disk.mounted() / "home");
    btrfs.layer("1", "", Tar().file("base", std::string(12 << 20, 'b')).done());
    btrfs.writable("2", "1", {{"size", "10M"}});
    const std::string megabyte(1 << 20, 'x');
    const fs::path root = btrfs.get("2");
    const auto fill = [&](const char* name, int count) {
        const UniqueFd fd = openFile(root / name, O_WRONLY | O_CREAT, 0600);
        for (int i = 0; i < count; ++i) {
            writeAll(fd.get(), megabyte);
            check(::fsync(fd.get()), "sync");
        }
    };
    fill("fits", 4);
    BOOST_TEST(btrfs.driver.usage(layerId("2")).bytes >= 4 << 20);
    BOOST_TEST(btrfs.driver.usage(layerId("2")).bytes < 8 << 20);
    BOOST_CHECK_EXCEPTION(fill("too_much", 20), Error, [](const Error& e) { return e.sysErrno() == EDQUOT; });
    btrfs.driver.setLimit(layerId("2"), 0);
    fill("now", 20);
}

BOOST_AUTO_TEST_CASE(only_on_btrfs) {
    const TempDir dir;
    const auto abilities = BtrfsDriver(DriverContext()).capabilities((dir.path() / "x").string());
    BOOST_TEST(abilities.unsuitable_why.starts_with("btrfs: "));
    BOOST_CHECK_EXCEPTION(Btrfs btrfs(dir.path() / "x"), Error,
                          [](const Error& e) { return e.code() == Code::unimplemented; });
}

BOOST_AUTO_TEST_SUITE_END()
