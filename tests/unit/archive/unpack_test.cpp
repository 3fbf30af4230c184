#include "archive/unpack.hpp"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <boost/test/unit_test.hpp>

#include "fixtures.hpp"

using namespace davit;
using namespace davit::archive;
namespace fs = std::filesystem;

namespace {

const UnpackOptions kOverlay{.whiteouts = Whiteouts::overlay};
const UnpackOptions kPlain{.whiteouts = Whiteouts::plain};

bool isWhiteout(const fs::path& path) {
    const struct stat info = statOf(path);
    return S_ISCHR(info.st_mode) && info.st_rdev == 0;
}

bool isOpaque(const fs::path& path) {
    char value[2] = "";
    return ::lgetxattr(path.c_str(), "trusted.overlay.opaque", value, 1) == 1 && value[0] == 'y';
}

}  // namespace

BOOST_AUTO_TEST_SUITE(unpack)

BOOST_AUTO_TEST_CASE(everything_is_restored) {
    const TempDir root;
    TarEntry entry;
    entry.path = "d/f";
    entry.mode = 04751;
    entry.uid = 12;
    entry.gid = 34;
    entry.size = 5;
    entry.mtime = {1'500'000'000, 7};
    entry.xattrs = {{"user.a", "b"}};
    TarEntry dir;
    dir.path = "d/";
    dir.kind = TarEntry::Kind::directory;
    dir.mode = 02750;
    dir.gid = 77;
    dir.mtime = {1'400'000'000, 9};
    TarEntry device;
    device.path = "d/null";
    device.kind = TarEntry::Kind::char_device;
    device.mode = 0666;
    device.device_major = 1;
    device.device_minor = 3;
    const std::string tar = Tar()
                                .raw(dir)
                                .raw(entry, "hello")
                                .raw(device)
                                .node("d/p", TarEntry::Kind::fifo)
                                .link("l", "/d/f")
                                .hard("h", "d/f")
                                .done();
    BOOST_TEST(unpackTo(root.path(), tar) == 5);
    const struct stat file = statOf(root.path() / "d/f");
    BOOST_TEST(file.st_mode == (S_IFREG | 04751U));
    BOOST_TEST(file.st_uid == 12U);
    BOOST_TEST(file.st_gid == 34U);
    BOOST_TEST(file.st_mtim.tv_sec == 1'500'000'000);
    BOOST_TEST(file.st_mtim.tv_nsec == 7);
    BOOST_TEST(file.st_nlink == 2U);
    char value = 0;
    BOOST_TEST(::lgetxattr((root.path() / "d/f").c_str(), "user.a", &value, 1) == 1);
    BOOST_TEST(textOf(root.path() / "h") == "hello");
    BOOST_TEST(statOf(root.path() / "d/null").st_rdev == makedev(1, 3));
    BOOST_TEST(statOf(root.path() / "d/null").st_mode == (S_IFCHR | 0666U));
    BOOST_TEST(S_ISFIFO(statOf(root.path() / "d/p").st_mode));
    BOOST_TEST(fs::read_symlink(root.path() / "l") == "/d/f");
    const struct stat top = statOf(root.path() / "d");
    BOOST_TEST(top.st_mode == (S_IFDIR | 02750U));
    BOOST_TEST(top.st_mtim.tv_sec == 1'400'000'000);
    BOOST_TEST(top.st_mtim.tv_nsec == 9);
}

BOOST_AUTO_TEST_CASE(directory_times_hold_when_content_comes_later_and_scattered) {
    const TempDir root;
    Tar tar;
    for (int i = 0; i < 40; ++i) tar.dir("d" + std::to_string(i));
    for (int round = 0; round < 3; ++round)
        for (int i = 0; i < 40; ++i)
            tar.file(fmt::format("d{}/f{}", i, round)).dir(fmt::format("d{}/sub{}/x", i, round));
    unpackTo(root.path(), tar.done());
    for (int i = 0; i < 40; ++i)
        BOOST_TEST(statOf(root.path() / fmt::format("d{}", i)).st_mtim.tv_sec == 1'000'000'000, "d" << i);
}

BOOST_AUTO_TEST_CASE(members_replace_what_is_there_but_directories_stay) {
    const TempDir root;
    unpackTo(root.path(), Tar().dir("d").file("d/kept").file("f").link("l", "d").dir("gone").file("gone/x").done());
    unpackTo(root.path(), Tar().dir("d", 0700).dir("f").dir("l").file("gone", "now a file").done());
    BOOST_TEST(textOf(root.path() / "d/kept") == "x");
    BOOST_TEST(statOf(root.path() / "d").st_mode == (S_IFDIR | 0700U));
    BOOST_TEST(S_ISDIR(statOf(root.path() / "f").st_mode));
    BOOST_TEST(S_ISDIR(statOf(root.path() / "l").st_mode));
    BOOST_TEST(textOf(root.path() / "gone") == "now a file");
}

BOOST_AUTO_TEST_CASE(cp_refuses_to_change_a_directory_into_a_file_and_back) {
    const TempDir root;
    unpackTo(root.path(), Tar().dir("d").file("f").done());
    UnpackOptions options = kPlain;
    options.keep_types = true;
    const auto conflict = [](const Error& e) { return e.code() == Code::conflict; };
    BOOST_CHECK_EXCEPTION(unpackTo(root.path(), Tar().file("d").done(), options), Error, conflict);
    BOOST_CHECK_EXCEPTION(unpackTo(root.path(), Tar().dir("f").done(), options), Error, conflict);
}

BOOST_AUTO_TEST_CASE(base_is_followed_in_root) {
    const TempDir root;
    unpackTo(root.path(), Tar().dir("real").link("alias", "/real").done());
    UnpackOptions options = kPlain;
    options.base = "alias";
    unpackTo(root.path(), Tar().file("f", "in real").link("out", "/real/f").hard("h", "/f").done(), options);
    BOOST_TEST(textOf(root.path() / "real/f") == "in real");
    BOOST_TEST(textOf(root.path() / "real/h") == "in real");
    options.base = "nowhere";
    BOOST_CHECK_THROW(unpackTo(root.path(), Tar().file("f").done(), options), Error);
}

BOOST_AUTO_TEST_CASE(whiteouts_remove_from_plain_trees) {
    const TempDir root;
    unpackTo(root.path(), Tar().dir("d").file("d/a").dir("d/b").file("d/b/c").file("keep").done());
    unpackTo(root.path(), Tar().file("d/.wh.a").file("d/.wh.b").file(".wh.never").file("none/.wh.x").done());
    BOOST_TEST(fs::is_empty(root.path() / "d"));
    BOOST_TEST(fs::exists(root.path() / "keep"));
    BOOST_TEST(!fs::exists(root.path() / "none"));
}

BOOST_AUTO_TEST_CASE(opaque_keeps_what_this_layer_brought_before_and_after) {
    const TempDir root;
    unpackTo(root.path(), Tar().dir("d").file("d/old").dir("d/sub").file("d/sub/old").dir("d/gone").done());
    unpackTo(root.path(), Tar().dir("d").file("d/new").file("d/sub/new").file("d/.wh..wh..opq").file("d/later").done());
    BOOST_TEST(!fs::exists(root.path() / "d/old"));
    BOOST_TEST(!fs::exists(root.path() / "d/sub/old"));
    BOOST_TEST(!fs::exists(root.path() / "d/gone"));
    for (const char* name : {"d/new", "d/sub/new", "d/later"}) BOOST_TEST(fs::exists(root.path() / name), name);
}

BOOST_AUTO_TEST_CASE(whiteouts_become_overlay_marks) {
    const TempDir root;
    Tar tar;
    tar.file("d/.wh.a").dir("o").file("o/.wh..wh..opq").file("o/f");
    tar.file(".wh.again")
        .dir("again")
        .file(".wh.file")
        .file("file", "new")
        .dir("early")
        .file(".wh.early")
        .file(".wh..wh.plnk");
    unpackTo(root.path(), tar.done(), kOverlay);
    BOOST_TEST(isWhiteout(root.path() / "d/a"));
    BOOST_TEST(isOpaque(root.path() / "o"));
    BOOST_TEST(!isOpaque(root.path() / "d"));
    BOOST_TEST(isOpaque(root.path() / "again"));
    BOOST_TEST(isOpaque(root.path() / "early"));
    BOOST_TEST(textOf(root.path() / "file") == "new");
    BOOST_TEST(!fs::exists(root.path() / ".wh..wh.plnk"));
}

BOOST_AUTO_TEST_CASE(opaque_root_covers_each_lower_name) {
    const TempDir lower;
    const TempDir upper;
    unpackTo(lower.path(), Tar().file("a").dir("b").dir("c").done());
    const UniqueFd fd = openDir(lower.path());
    UnpackOptions options = kOverlay;
    options.lowers = {fd.get()};
    unpackTo(upper.path(), Tar().dir("b").file(".wh..wh..opq").dir("c").done(), options);
    BOOST_TEST(isWhiteout(upper.path() / "a"));
    BOOST_TEST(isOpaque(upper.path() / "b"));
    BOOST_TEST(isOpaque(upper.path() / "c"));
}

BOOST_AUTO_TEST_CASE(hard_links_to_lower_layers_and_implied_directories_take_after_them) {
    const TempDir lower;
    const TempDir upper;
    unpackTo(lower.path(), Tar().dir("etc", 0700).file("etc/f", "low", 0640).done());
    const UniqueFd fd = openDir(lower.path());
    UnpackOptions options = kOverlay;
    options.lowers = {fd.get()};
    unpackTo(upper.path(), Tar().hard("link", "/etc/f").done(), options);
    BOOST_TEST(textOf(upper.path() / "link") == "low");
    BOOST_TEST(statOf(upper.path() / "link").st_nlink == 2U);
    BOOST_TEST(statOf(upper.path() / "etc").st_mode == (S_IFDIR | 0700U));
    BOOST_TEST(textOf(lower.path() / "etc/f") == "low");
}

BOOST_AUTO_TEST_CASE(ids_are_mapped) {
    const TempDir root;
    UnpackOptions options;
    options.uid_maps = {{0, 100'000, 65'536}};
    options.gid_maps = options.uid_maps;
    TarEntry entry;
    entry.path = "implied/f";
    entry.uid = 5;
    unpackTo(root.path(), Tar().raw(entry).done(), options);
    BOOST_TEST(statOf(root.path() / "implied/f").st_uid == 100'005U);
    BOOST_TEST(statOf(root.path() / "implied").st_uid == 100'000U);
    entry.uid = 70'000;
    BOOST_CHECK_THROW(unpackTo(root.path(), Tar().raw(entry).done(), options), Error);
}

BOOST_AUTO_TEST_CASE(size_limit_holds) {
    const TempDir root;
    UnpackOptions options;
    options.size_limit = 10;
    BOOST_TEST(unpackTo(root.path(), Tar().file("a", "12345").file("b", "12345").done(), options) == 10);
    BOOST_CHECK_THROW(unpackTo(root.path(), Tar().file("a", "12345").file("b", "123456").done(), options), Error);
}

BOOST_AUTO_TEST_CASE(the_source_is_read_to_its_end) {
    const TempDir root;
    StringSource source(Tar().file("a").done() + std::string(1 << 20, '\0'));
    unpackLayer(source, openDir(root.path()).get(), {});
    BOOST_TEST(source.exhausted());
}

BOOST_AUTO_TEST_CASE(trees_deeper_than_path_max_are_unpacked) {
    const TempDir root;
    Tar tar;
    const std::string name(100, 'd');
    std::string path = name;
    for (int i = 0; i < 80; ++i, path += "/" + name) tar.dir(path);
    tar.file(path + "/f", "deep");
    unpackTo(root.path(), tar.done());
    std::string implied = "e";
    for (int i = 0; i < 80; ++i) implied += "/" + name;
    unpackTo(root.path(), Tar().file(implied, "deeper").done());
    const std::string again = packed(root.path());
    StringSource source(again);
    TarReader reader(source);
    std::size_t longest = 0;
    while (const TarEntry* entry = reader.next()) longest = std::max(longest, entry->path.size());
    BOOST_TEST(longest == path.size() + 2);
}

BOOST_AUTO_TEST_SUITE_END()
