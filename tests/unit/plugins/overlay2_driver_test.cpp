#include "plugins/storage/overlay2/overlay2_driver.hpp"

#include <sys/stat.h>
#include <sys/wait.h>

#include <boost/test/unit_test.hpp>

#include "plugins/driver_fixtures.hpp"

using namespace davit;
using archive::Tar;
namespace fs = std::filesystem;

using Overlay2 = Driven<Overlay2Driver>;

namespace {

bool anyMountBelow(const fs::path& path) { return !overlay2::mountsBelow(path).empty(); }

bool has(const MountSpec& spec, const std::string& option) {
    return std::find(spec.options.begin(), spec.options.end(), option) != spec.options.end();
}

/// What this kernel's overlay says itself, whatever its version. One without the new interface takes any option for the moment.
bool layersCanBeAddedOneByOne() {
    const UniqueFd context(check(::fsopen("overlay", FSOPEN_CLOEXEC), "open a context"));
    return ::fsconfig(context.get(), FSCONFIG_SET_STRING, "no such option", "/", 0) != 0 &&
           ::fsconfig(context.get(), FSCONFIG_SET_STRING, "lowerdir+", "/", 0) == 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(overlay2_driver)

BOOST_AUTO_TEST_CASE(layers_stack_and_give_their_diffs) {
    const TempDir dir;
    Overlay2 overlay(dir.path());
    overlay.layer("1", "", Tar().dir("etc").file("etc/a", "1").file("gone").dir("d").file("d/x").done());
    overlay.layer("2", "1",
                  Tar().file("etc/a", "2").file(".wh.gone").dir("d").file("d/.wh..wh..opq").file("d/y").done());
    overlay.writable("3", "2");
    const fs::path root = overlay.get("3");
    BOOST_TEST(archive::textOf(root / "etc/a") == "2");
    BOOST_TEST(!fs::exists(root / "gone"));
    BOOST_TEST(!fs::exists(root / "d/x"));
    BOOST_TEST(fs::exists(root / "d/y"));
    fs::remove(root / "d/y");
    fs::remove_all(root / "etc");
    makeDirectories(root / "etc", 0755);
    writeFileAtomically(root / "etc/new", "n");
    BOOST_TEST(overlay.changes("3", "2") == "C/d D/d/y C/etc D/etc/a A/etc/new ");
    BOOST_TEST(archive::listing(overlay.diff("3", "2")) == "d:d f:d/.wh.y d:etc f:etc/.wh..wh..opq f:etc/new ");
    BOOST_TEST(overlay.changes("2", "1") == "C/d D/d/x A/d/y C/etc C/etc/a D/gone ");
    BOOST_TEST(archive::listing(overlay.diff("3", "")) == "d:d d:etc f:etc/new ");
    BOOST_TEST(overlay.driver.diffSize(layerId("3"), layerId("2")) == 1);
    overlay.put("3");
    BOOST_TEST(!anyMountBelow(dir.path()));
}

BOOST_AUTO_TEST_CASE(gets_are_counted) {
    const TempDir dir;
    Overlay2 overlay(dir.path());
    overlay.layer("1", "", Tar().file("f").done());
    overlay.writable("2", "1");
    const fs::path first = overlay.get("2");
    BOOST_TEST(overlay.get("2") == first);
    overlay.put("2");
    BOOST_TEST(anyMountBelow(dir.path()));
    BOOST_CHECK_THROW(overlay.driver.remove(layerId("2")), Error);
    overlay.put("2");
    BOOST_TEST(!anyMountBelow(dir.path()));
    BOOST_CHECK_EXCEPTION(overlay.put("2"), Error, [](const Error& e) { return e.code() == Code::not_found; });
    overlay.driver.remove(layerId("2"));
    BOOST_TEST(becomesEmpty(dir.path() / "trash"));
    BOOST_TEST(std::distance(fs::directory_iterator(dir.path() / "l"), fs::directory_iterator()) == 1);
}

BOOST_AUTO_TEST_CASE(hundreds_of_layers_are_mounted) {
    const TempDir dir;
    Overlay2 overlay(dir.path());
    std::string parent;
    for (int i = 0; i < 300; ++i) {
        const std::string id = fmt::format("{:04}", i);
        overlay.layer(id, parent, Tar().file("f" + std::to_string(i)).file("last", std::to_string(i)).done());
        parent = id;
        if (i != 124 && i != 299) continue;
        overlay.writable("w" + id, id);
        if (i == 299 && !layersCanBeAddedOneByOne()) {
            BOOST_CHECK_EXCEPTION((void)overlay.get("w" + id), Error, [](const Error& e) {
                return e.text().find("300 layers are more than this kernel takes") != std::string::npos;
            });
            continue;
        }
        const fs::path root = overlay.get("w" + id);
        BOOST_TEST(archive::textOf(root / "last") == std::to_string(i));
        BOOST_TEST(fs::exists(root / "f0"));
        writeFileAtomically(root / "written", "x");
        overlay.put("w" + id);
    }
}

BOOST_AUTO_TEST_CASE(mounts_are_data_and_make_nothing) {
    const TempDir dir;
    Overlay2 overlay(dir.path());
    overlay.layer("1", "", Tar().file("f").done());
    overlay.writable("2", "1");
    overlay.writable("3", "1", {{"volatile", "true"}});
    overlay.writable("4", "");
    const auto specs = overlay.driver.mounts(layerId("2"), "");
    BOOST_TEST(specs.size() == 1U);
    BOOST_TEST(specs[0].type == "overlay");
    BOOST_TEST(has(specs[0], "upperdir=" + (dir.path() / "layers" / layerId("2") / "diff").string()));
    BOOST_TEST(!has(specs[0], "volatile"));
    BOOST_TEST(has(overlay.driver.mounts(layerId("3"), "")[0], "volatile"));
    BOOST_TEST(overlay.driver.mounts(layerId("4"), "")[0].type == "bind");
    BOOST_TEST(!has(overlay.driver.mounts(layerId("1"), "")[0], "upperdir"));
    BOOST_TEST(!anyMountBelow(dir.path()));
    BOOST_CHECK_THROW((void)overlay.driver.mounts(layerId("9"), ""), Error);
}

BOOST_AUTO_TEST_CASE(a_volatile_layer_mounts_again_after_a_crash) {
    const TempDir dir;
    Overlay2 overlay(dir.path());
    overlay.layer("1", "", Tar().file("f").done());
    overlay.writable("2", "1", {{"volatile", "1"}});
    makeDirectories(dir.path() / "layers" / layerId("2") / "work/work/incompat/volatile", 0755);
    overlay.get("2");
    overlay.put("2");
}

BOOST_AUTO_TEST_CASE(a_dead_process_leaves_no_mount_behind) {
    const TempDir dir;
    const pid_t child = ::fork();
    if (child == 0) {
        auto* overlay = new Overlay2(dir.path());  // never destroyed: the process dies with the layer mounted
        overlay->layer("1", "", Tar().file("f").done());
        overlay->writable("2", "1");
        overlay->get("2");
        makeDirectories(dir.path() / "staging/half/merged", 0755);
        ::_exit(0);
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    BOOST_TEST(status == 0);
    BOOST_TEST(anyMountBelow(dir.path()));
    fs::remove_all(dir.path() / "l");
    makeDirectories(dir.path() / "l", 0755);
    fs::create_symlink("../layers/gone/diff", dir.path() / "l/stray");
    Overlay2 again(dir.path());
    BOOST_TEST(!anyMountBelow(dir.path()));
    BOOST_TEST(!fs::exists(dir.path() / "staging/half"));
    BOOST_TEST(!fs::is_symlink(dir.path() / "l/stray"));
    BOOST_TEST(archive::textOf(again.get("2") / "f") == "x");
    again.put("2");
    again.driver.remove(layerId("2"));
}

BOOST_AUTO_TEST_CASE(clone_takes_the_changes_along) {
    const TempDir dir;
    Overlay2 overlay(dir.path());
    overlay.layer("1", "", Tar().file("f").dir("d").file("d/x").done());
    overlay.writable("2", "1");
    const fs::path root = overlay.get("2");
    fs::remove(root / "f");
    fs::remove_all(root / "d");
    makeDirectories(root / "d", 0755);
    overlay.put("2");
    overlay.driver.clone(layerId("3"), layerId("2"));
    BOOST_TEST(overlay.changes("3", "1") == overlay.changes("2", "1"));
    overlay.driver.remove(layerId("2"));
    const fs::path copy = overlay.get("3");
    BOOST_TEST(!fs::exists(copy / "f"));
    BOOST_TEST(fs::is_empty(copy / "d"));
    overlay.put("3");
}

BOOST_AUTO_TEST_CASE(a_layer_that_others_stand_on_is_mounted_read_only) {
    const TempDir dir;
    Overlay2 overlay(dir.path());
    overlay.layer("1", "", Tar().file("f").done());
    overlay.driver.create({.id = layerId("2"), .parent = layerId("1"), .mount_label = {}, .storage_opt = {}});
    writeFileAtomically(overlay.get("2") / "filled", "through get");
    overlay.put("2");
    overlay.writable("3", "2");
    const fs::path root = overlay.get("2");
    BOOST_TEST(archive::textOf(root / "filled") == "through get");
    BOOST_CHECK_THROW(writeFileAtomically(root / "no", "x"), Error);
    overlay.put("2");
}

BOOST_AUTO_TEST_CASE(the_root_takes_after_the_parents) {
    const TempDir dir;
    Overlay2 overlay(dir.path());
    overlay.layer("1", "", Tar().dir(".", 0711).file("f").done());
    overlay.writable("2", "1");
    BOOST_TEST(archive::statOf(overlay.get("2")).st_mode == (S_IFDIR | 0711U));
    overlay.put("2");
}

BOOST_AUTO_TEST_CASE(quota_bounds_a_layer_where_the_file_system_can) {
    const LoopFileSystem ext4("ext4", {"-q", "-O", "quota,project", "-E", "quotatype=prjquota"}, "prjquota");
    if (!ext4.works()) {
        BOOST_TEST_MESSAGE("skipped: no ext4 with project quotas here");
        return;
    }
    Overlay2 overlay(ext4.mounted() / "home");
    overlay.layer("1", "", Tar().file("f").done());
    overlay.writable("2", "1", {{"size", "8M"}});
    const std::string megabyte(1 << 20, 'x');
    {
        const UniqueFd fd = openFile(overlay.get("2") / "big", O_WRONLY | O_CREAT, 0600);
        BOOST_CHECK_EXCEPTION(
            {
                for (int i = 0; i < 20; ++i) writeAll(fd.get(), megabyte);
                check(::fsync(fd.get()), "sync");
            },
            Error, [](const Error& e) { return e.sysErrno() == EDQUOT || e.sysErrno() == ENOSPC; });
    }
    fs::remove(overlay.get("2") / "big");
    overlay.put("2");
    writeFileAtomically(overlay.get("2") / "f", "copied up");
    overlay.put("2");
    overlay.put("2");
    overlay.writable("3", "1");
    overlay.driver.setLimit(layerId("3"), 4 << 20);
    BOOST_CHECK_THROW(writeFileAtomically(overlay.get("3") / "big", std::string(8 << 20, 'x'), 0600, Sync::yes), Error);
    overlay.put("3");
}

BOOST_AUTO_TEST_CASE(not_on_overlayfs_itself) {
    const TempDir dir;
    Overlay2 overlay(dir.path());
    overlay.layer("1", "", Tar().file("f").done());
    overlay.writable("2", "1");
    const std::string inside = (overlay.get("2") / "home").string();
    const auto abilities = Overlay2Driver(DriverContext()).capabilities(inside);
    BOOST_TEST(abilities.unsuitable_why.find("overlayfs itself") != std::string::npos);
    BOOST_TEST(!fs::exists(inside));
    BOOST_CHECK_THROW(Overlay2 nested(inside), Error);
    overlay.put("2");
}

BOOST_AUTO_TEST_CASE(a_full_disk_keeps_nobody_from_the_layers_it_holds) {
    const LoopFileSystem disk("ext4", {"-q", "-m", "0"}, "", 32 << 20);
    BOOST_REQUIRE(disk.works());
    const fs::path home = disk.mounted() / "home";
    {
        Overlay2 overlay(home);
        overlay.layer("1", "", Tar().file("f").done());
        overlay.writable("2", "1");
    }
    const UniqueFd filler = openFile(disk.mounted() / "filler", O_WRONLY | O_CREAT | O_APPEND);
    for (const std::size_t size : {std::size_t{1} << 20, std::size_t{1} << 10})
        while (::write(filler.get(), std::string(size, 'f').data(), size) > 0) {
        }
    Overlay2 again(home);
    BOOST_TEST(again.changes("1", "") == "A/f ");
    again.driver.remove(layerId("2"));
    BOOST_TEST(!again.driver.exists(layerId("2")));
    BOOST_CHECK_THROW(Overlay2 fresh(disk.mounted()), Error);  // holds none: what can't be tried out isn't used
}

BOOST_AUTO_TEST_CASE(asking_what_it_can_leaves_nothing) {
    const TempDir dir;
    const auto abilities = Overlay2Driver(DriverContext()).capabilities((dir.path() / "not/yet").string());
    BOOST_TEST(abilities.unsuitable_why == "");
    BOOST_TEST(fs::is_empty(dir.path()));
}

BOOST_AUTO_TEST_SUITE_END()
