#include "archive/pack.hpp"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <boost/test/unit_test.hpp>

#include "archive/compare.hpp"
#include "fixtures.hpp"

using namespace davit;
using namespace davit::archive;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(pack)

BOOST_AUTO_TEST_CASE(a_tree_comes_back_the_same_and_packs_to_the_same_bytes) {
    const TempDir a;
    const TempDir b;
    unpackTo(a.path(), Tar()
                           .dir("d", 01777)
                           .file("d/\xff\xe9", "bytes", 0600)
                           .hard("d/hard", "d/\xff\xe9")
                           .link("l", "d")
                           .node("p", TarEntry::Kind::fifo)
                           .file("d/z", std::string(100'000, 'z'))
                           .done());
    check(::lsetxattr((a.path() / "d").c_str(), "user.x", "1", 1, 0), "set");
    const std::string capability("\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    check(::lsetxattr((a.path() / "d/z").c_str(), "security.capability", capability.data(), 20, 0), "set");
    const std::string tar = packed(a.path());
    BOOST_TEST((listing(tar) == "d:d f:d/hard f:d/z h:d/\xff\xe9 l:l p:p "));
    unpackTo(b.path(), tar);
    BOOST_TEST(compareTrees(openDir(a.path()).get(), openDir(b.path()).get()).empty());
    BOOST_TEST((packed(b.path()) == tar));
    char value[20];
    BOOST_TEST(::lgetxattr((b.path() / "d/z").c_str(), "security.capability", value, sizeof value) == 20);
}

BOOST_AUTO_TEST_CASE(holes_stay_holes) {
    const TempDir a;
    const TempDir b;
    writeFileAtomically(a.path() / "s", "start");
    check(::truncate((a.path() / "s").c_str(), 1LL << 32), "truncate");
    const std::string tar = packed(a.path());
    BOOST_TEST(tar.size() < 100'000U);
    BOOST_TEST(unpackTo(b.path(), tar) == 1LL << 32);
    BOOST_TEST(statOf(b.path() / "s").st_size == 1LL << 32);
    BOOST_TEST(statOf(b.path() / "s").st_blocks < 100);
    const TempDir c;
    writeFileAtomically(c.path() / "all", "");
    check(::truncate((c.path() / "all").c_str(), 1 << 24), "truncate");
    unpackTo(b.path(), packed(c.path()));
    BOOST_TEST(statOf(b.path() / "all").st_size == 1 << 24);
}

BOOST_AUTO_TEST_CASE(prefix_and_exclude) {
    const TempDir a;
    unpackTo(a.path(), Tar().dir("d").file("d/f").dir("no").file("no/f").done());
    PackOptions options;
    options.prefix = "top";
    options.exclude = [](std::string_view path) { return path == "no"; };
    BOOST_TEST(listing(packed(a.path(), options)) == "d:top d:top/d f:top/d/f ");
}

BOOST_AUTO_TEST_CASE(one_path_is_packed_under_a_new_name) {
    const TempDir a;
    unpackTo(a.path(), Tar().dir("d").file("d/f").link("abs", "/d").link("out", "/etc/passwd").done());
    const auto pathList = [&](const std::string& path) {
        StringSink sink;
        packPath(openDir(a.path()).get(), path, "new", sink);
        return listing(sink.text);
    };
    BOOST_TEST(pathList("/d") == "d:new f:new/f ");
    BOOST_TEST(pathList("abs/f") == "f:new ");
    BOOST_TEST(pathList("abs") == "l:new ");
    BOOST_TEST(pathList("d/.") == "d:new f:new/f ");
    BOOST_TEST(pathList("/").starts_with("d:new l:new/abs "));
    BOOST_CHECK_EXCEPTION(pathList("/nope"), Error, [](const Error& e) { return e.code() == Code::not_found; });
    BOOST_CHECK_THROW(pathList("out/x"), Error);
}

BOOST_AUTO_TEST_CASE(overlay_marks_become_whiteouts) {
    const TempDir upper;
    const std::string tar = Tar().dir("d").file("d/.wh.gone").dir("o").file("o/.wh..wh..opq").file("o/f").done();
    unpackTo(upper.path(), tar, {.whiteouts = Whiteouts::overlay});
    PackOptions options;
    options.overlay = true;
    BOOST_TEST(listing(packed(upper.path(), options)) == "d:d f:d/.wh.gone d:o f:o/.wh..wh..opq f:o/f ");
}

BOOST_AUTO_TEST_CASE(changes_are_packed_and_lead_to_the_new_tree) {
    const TempDir old_tree;
    const TempDir new_tree;
    const std::string base =
        Tar().dir("d").file("d/same").file("d/edited").file("d/removed").dir("e").file("e/x").done();
    unpackTo(old_tree.path(), base);
    unpackTo(new_tree.path(), base);
    unpackTo(
        new_tree.path(),
        Tar().file("d/edited", "longer").file("d/.wh.removed").file(".wh.e").file("n/new").hard("n/h", "n/new").done());
    const auto changes = compareTrees(openDir(old_tree.path()).get(), openDir(new_tree.path()).get());
    StringSink sink;
    packLayer(openDir(new_tree.path()).get(), changes, sink);
    BOOST_TEST(listing(sink.text) == "d:d f:d/edited f:d/.wh.removed f:.wh.e d:n f:n/h h:n/new ");
    unpackTo(old_tree.path(), sink.text);
    BOOST_TEST(compareTrees(openDir(new_tree.path()).get(), openDir(old_tree.path()).get()).empty());
    BOOST_TEST(changesSize(openDir(new_tree.path()).get(), changes) == 7);
}

BOOST_AUTO_TEST_CASE(ids_are_mapped_back) {
    const TempDir a;
    UnpackOptions in;
    in.uid_maps = in.gid_maps = {{0, 100'000, 1000}};
    unpackTo(a.path(), Tar().file("f").done(), in);
    PackOptions out;
    out.uid_maps = out.gid_maps = in.uid_maps;
    StringSource source(packed(a.path(), out));
    BOOST_TEST(TarReader(source).next()->uid == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
