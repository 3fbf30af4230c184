#include "plugins/storage/vfs/vfs_driver.hpp"

#include <boost/test/unit_test.hpp>

#include "plugins/driver_fixtures.hpp"

using namespace davit;
using archive::Tar;
namespace fs = std::filesystem;

using Vfs = Driven<VfsDriver>;

BOOST_AUTO_TEST_SUITE(vfs_driver)

BOOST_AUTO_TEST_CASE(layers_are_copies) {
    const TempDir dir;
    Vfs vfs(dir.path());
    vfs.layer("1", "", Tar().dir("etc").file("etc/a", "1").file("gone").done());
    vfs.layer("2", "1", Tar().file("etc/a", "22").file(".wh.gone").done());
    BOOST_TEST(archive::textOf(vfs.get("1") / "etc/a") == "1");
    BOOST_TEST(archive::textOf(vfs.get("2") / "etc/a") == "22");
    BOOST_TEST(!fs::exists(vfs.get("2") / "gone"));
    BOOST_TEST(archive::listing(vfs.diff("2", "1")) == "d:etc f:etc/a f:.wh.gone ");
    BOOST_TEST(vfs.changes("2", "1") == "C/etc C/etc/a D/gone ");
    BOOST_TEST(vfs.driver.diffSize(layerId("2"), layerId("1")) == 2);
    BOOST_TEST(vfs.driver.usage(layerId("2")).bytes == 2);
}

BOOST_AUTO_TEST_CASE(counts_and_refusals) {
    const TempDir dir;
    Vfs vfs(dir.path());
    const auto code = [](Code wanted) { return [wanted](const Error& e) { return e.code() == wanted; }; };
    BOOST_CHECK_EXCEPTION(vfs.get("1"), Error, code(Code::not_found));
    BOOST_CHECK_EXCEPTION(vfs.put("1"), Error, code(Code::not_found));
    vfs.writable("1", "");
    BOOST_CHECK_EXCEPTION(vfs.writable("1", ""), Error, code(Code::conflict));
    BOOST_CHECK_EXCEPTION(vfs.writable("2", "3"), Error, code(Code::not_found));
    vfs.get("1");
    BOOST_CHECK_EXCEPTION(vfs.driver.remove(layerId("1")), Error, code(Code::conflict));
    vfs.put("1");
    vfs.driver.remove(layerId("1"));
    vfs.driver.remove(layerId("1"));
    BOOST_TEST(vfs.driver.list().empty());
}

BOOST_AUTO_TEST_CASE(options_that_it_cannot_honour_are_refused) {
    const TempDir dir;
    Vfs vfs(dir.path());
    BOOST_CHECK_EXCEPTION(vfs.writable("1", "", {{"size", "10M"}}), Error,
                          [](const Error& e) { return e.text().find("no quota") != std::string::npos; });
    BOOST_CHECK_THROW(vfs.writable("1", "", {{"colour", "red"}}), Error);
    vfs.writable("1", "", {{"volatile", "true"}});
    VfsDriver other{DriverContext()};
    BOOST_CHECK_THROW(
        other.init(
            {.home = (dir.path() / "o").string(), .options = {"vfs.colour=red"}, .uid_maps = {}, .gid_maps = {}}),
        Error);
}

BOOST_AUTO_TEST_CASE(quota_bounds_a_layer_where_the_file_system_can) {
    const LoopFileSystem xfs("xfs", {"-q", "-f"}, "prjquota", 400LL << 20);
    if (!xfs.works()) {
        BOOST_TEST_MESSAGE("skipped: no xfs here");
        return;
    }
    Vfs vfs(xfs.mounted() / "home");
    BOOST_TEST(vfs.driver.capabilities((xfs.mounted() / "home").string()).quota);
    vfs.writable("1", "", {{"size", "8M"}});
    const std::string megabyte(1 << 20, 'x');
    const UniqueFd fd = openFile(vfs.get("1") / "f", O_WRONLY | O_CREAT, 0600);
    BOOST_CHECK_EXCEPTION(
        {
            for (int i = 0; i < 20; ++i) writeAll(fd.get(), megabyte);
        },
        Error, [](const Error& e) { return e.sysErrno() == EDQUOT || e.sysErrno() == ENOSPC; });
    vfs.driver.setLimit(layerId("1"), 0);
    for (int i = 0; i < 20; ++i) writeAll(fd.get(), megabyte);
}

BOOST_AUTO_TEST_SUITE_END()
