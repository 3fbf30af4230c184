// SEC-20 to SEC-22: archives made to reach outside. Each is unpacked beside a canary that must stay as it was, with the
// whiteout rules of all three kinds of target.
#include <sys/xattr.h>

#include <boost/test/unit_test.hpp>
#include <functional>

#include "fixtures.hpp"

using namespace davit;
using namespace davit::archive;
namespace fs = std::filesystem;

namespace {

struct Site {
    Site() {
        makeDirectories(canary / "victim", 0755);
        makeDirectories(canary / "d", 0755);
        makeDirectories(dest, 0755);
        makeDirectories(dir.path() / "dest-evil", 0755);
        writeFileAtomically(canary / "victim/hello", "HOSTSECRET");
        before = state();
    }
    std::string state() const {
        std::string text;
        for (const auto& top : {canary, dir.path() / "dest-evil"}) {
            text += describe(top);
            for (const auto& entry : fs::recursive_directory_iterator(top)) text += describe(entry.path());
        }
        return text + textOf(canary / "victim/hello");
    }
    static std::string describe(const fs::path& path) {
        const struct stat info = statOf(path);
        return fmt::format("{} {:o} {} {} {} {}.{}\n", path.string(), info.st_mode, info.st_uid, info.st_nlink,
                           info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    }

    TempDir dir;
    fs::path canary = dir.path() / "canary";
    fs::path dest = dir.path() / "dest";
    std::string before;
};

struct Attack {
    const char* name;
    std::function<void(Tar&, const std::string& canary)> build;
};

using K = TarEntry::Kind;

const std::vector<Attack> kAttacks = {
    {"dotdot", [](Tar& t, auto&) { t.file("../canary/victim/hello", "evil"); }},
    {"dotdot_deep", [](Tar& t, auto&) { t.file("a/b/../../../canary/victim/hello", "evil"); }},
    {"dotdot_only", [](Tar& t, auto&) { t.dir("..", 0777); }},
    {"dotdot_slash", [](Tar& t, auto&) { t.dir("../", 0777); }},
    {"dotdot_at_end", [](Tar& t, auto&) { t.dir("a").dir("a/..", 0777); }},
    {"absolute", [](Tar& t, auto& c) { t.file(c + "/victim/hello", "evil"); }},
    {"sibling_prefix", [](Tar& t, auto&) { t.file("../dest-evil/x", "evil"); }},
    {"symlink_then_through", [](Tar& t, auto& c) { t.link("l", c + "/d").file("l/x", "evil"); }},
    {"symlink_relative", [](Tar& t, auto&) { t.link("l", "../canary/d").file("l/x", "evil"); }},
    {"two_hops",
     [](Tar& t, auto&) { t.dir("a").link("a/up", "..").link("b", "a/up/../canary/victim").file("b/hello", "evil"); }},
    {"symlink_chain",
     [](Tar& t, auto& c) {
         t.link("a", c).link("b", "a/victim").link("c", "b/hello").file("c", "evil").file("b/hello", "evil");
     }},
    {"hardlink_absolute", [](Tar& t, auto& c) { t.hard("h", c + "/victim/hello").file("h", "evil"); }},
    {"hardlink_dotdot", [](Tar& t, auto&) { t.hard("h", "../canary/victim/hello").file("h", "evil"); }},
    {"hardlink_through_symlink",
     [](Tar& t, auto& c) { t.link("l", c + "/victim").hard("h", "l/hello").file("h", "evil", 0777); }},
    {"hardlink_to_symlink_then_write",
     [](Tar& t, auto& c) { t.link("l", c + "/victim/hello").hard("h", "l").file("h", "evil"); }},
    {"write_over_symlink", [](Tar& t, auto& c) { t.link("l", c + "/victim/hello").file("l", "evil"); }},
    {"chmod_through_symlink", [](Tar& t, auto& c) { t.link("l", c + "/victim/hello").file("l", "", 0777); }},
    {"dir_over_symlink", [](Tar& t, auto& c) { t.link("l", c + "/d").dir("l", 0777).file("l/x", "evil"); }},
    {"symlink_over_dir",
     [](Tar& t, auto& c) { t.dir("d").file("d/f").link("d", c + "/d").file("d/x", "evil").dir("d", 0700); }},
    {"root_as_symlink", [](Tar& t, auto& c) { t.link(".", c); }},
    {"slash_as_symlink", [](Tar& t, auto& c) { t.link("/", c).file("x", "evil"); }},
    {"whiteout_through_symlink", [](Tar& t, auto& c) { t.link("l", c + "/victim").file("l/.wh.hello"); }},
    {"opaque_through_symlink", [](Tar& t, auto& c) { t.link("l", c + "/victim").file("l/.wh..wh..opq"); }},
    {"whiteout_of_dotdot", [](Tar& t, auto&) { t.file("a/.wh..."); }},
    {"whiteout_of_dot", [](Tar& t, auto&) { t.file("a/.wh.."); }},
    {"whiteout_of_nothing", [](Tar& t, auto&) { t.file("a/.wh."); }},
    {"device_over_symlink", [](Tar& t, auto& c) { t.link("l", c + "/d").node("l/dev", K::fifo).node("l", K::fifo); }},
    {"proc_magic_link", [](Tar& t, auto&) { t.link("l", "/proc/self/root").file("l/evil", "evil"); }},
    {"symlink_loop", [](Tar& t, auto&) { t.link("a", "b").link("b", "a").file("a/x", "evil"); }},
    {"hardlink_to_directory", [](Tar& t, auto&) { t.dir("d").hard("h", "d").file("h/x"); }},
    {"hardlink_to_itself", [](Tar& t, auto&) { t.file("f").hard("f", "f").hard("f", "/f"); }},
    {"hardlink_inside_what_it_replaces", [](Tar& t, auto&) { t.dir("a").file("a/b").hard("a", "a/b"); }},
};

const std::vector<Whiteouts> kTargets = {Whiteouts::plain, Whiteouts::remove, Whiteouts::overlay};

}  // namespace

BOOST_AUTO_TEST_SUITE(hostile)

BOOST_AUTO_TEST_CASE(nothing_reaches_outside) {
    for (const Attack& attack : kAttacks) {
        for (const Whiteouts whiteouts : kTargets) {
            Site site;
            Tar tar;
            attack.build(tar, site.canary.string());
            try {
                unpackTo(site.dest, tar.done(), {.whiteouts = whiteouts});
            } catch (const Error&) {  // refused is as good as contained
            }
            BOOST_TEST(site.state() == site.before, attack.name << " reached outside");
        }
    }
}

BOOST_AUTO_TEST_CASE(dotdot_is_refused_before_anything_is_touched) {
    Site site;
    unpackTo(site.dest, Tar().dir("etc").file("etc/hosts", "kept").done());
    for (const char* name : {"..", "../", "./..", "etc/../..", "etc/..", "a/../b"})
        BOOST_CHECK_EXCEPTION(unpackTo(site.dest, Tar().dir(name).done(), {.whiteouts = Whiteouts::plain}), Error,
                              [](const Error& e) { return e.code() == Code::invalid; });
    BOOST_TEST(textOf(site.dest / "etc/hosts") == "kept");
    BOOST_TEST(std::distance(fs::directory_iterator(site.dest), fs::directory_iterator()) == 1);
}

BOOST_AUTO_TEST_CASE(root_entries_apply_metadata_only) {
    for (const char* name : {".", "./", "/", "//"}) {
        Site site;
        unpackTo(site.dest, Tar().file("f", "kept").dir(name, 0711).done());
        BOOST_TEST(textOf(site.dest / "f") == "kept");
        BOOST_TEST(statOf(site.dest).st_mode == (S_IFDIR | 0711U));
        BOOST_TEST(statOf(site.dest).st_mtim.tv_sec == 1'000'000'000);
    }
}

BOOST_AUTO_TEST_CASE(invalid_whiteouts_are_refused_on_layers_and_plain_files_on_copies) {
    for (const char* name : {".wh.", ".wh..", ".wh...", "d/.wh.", ".wh.d/f"}) {
        for (const Whiteouts whiteouts : {Whiteouts::remove, Whiteouts::overlay}) {
            Site site;
            BOOST_CHECK_EXCEPTION(unpackTo(site.dest, Tar().file(name).done(), {.whiteouts = whiteouts}), Error,
                                  [](const Error& e) { return e.text().starts_with("invalid whiteout entry"); });
        }
        Site site;
        unpackTo(site.dest, Tar().file(name, "plain").done(), {.whiteouts = Whiteouts::plain});
        BOOST_TEST(textOf(site.dest / name) == "plain");
    }
}

// Images made by kaniko carry absolute hard link targets: they are names in the root, not attacks.
BOOST_AUTO_TEST_CASE(absolute_hard_links_resolve_in_the_root_even_across_absolute_symlinks) {
    Site site;
    unpackTo(site.dest, Tar()
                            .dir("usr")
                            .dir("usr/bin")
                            .link("bin", "/usr/bin")
                            .file("usr/bin/a", "tool")
                            .hard("one", "/usr/bin/a")
                            .hard("two", "/bin/a")
                            .hard("bin/three", "bin/a")
                            .done());
    for (const char* name : {"one", "two", "usr/bin/three"}) BOOST_TEST(textOf(site.dest / name) == "tool");
    BOOST_TEST(statOf(site.dest / "usr/bin/a").st_nlink == 4U);
}

BOOST_AUTO_TEST_CASE(absolute_names_stay_inside) {
    Site site;
    unpackTo(site.dest, Tar().file("/etc/x", "in").file("//y", "in").done());
    BOOST_TEST(textOf(site.dest / "etc/x") == "in");
    BOOST_TEST(textOf(site.dest / "y") == "in");
}

BOOST_AUTO_TEST_CASE(a_directory_that_a_later_layer_made_a_link_is_not_written_through) {
    Site site;
    unpackTo(site.dest, Tar().dir("d").file("d/f").done());
    unpackTo(site.dest, Tar().link("d", site.canary.string()).done());
    try {
        unpackTo(site.dest, Tar().file("d/victim/hello", "evil").file("d/.wh.victim").done());
    } catch (const Error&) {
    }
    BOOST_TEST(site.state() == site.before);
}

BOOST_AUTO_TEST_CASE(overlay_attributes_of_an_archive_are_left_out) {
    Site site;
    TarEntry entry;
    entry.path = "d";
    entry.kind = TarEntry::Kind::directory;
    entry.xattrs = {{"trusted.overlay.redirect", "/other"},
                    {"trusted.overlay.opaque", "y"},
                    {"user.overlay.opaque", "y"},
                    {"user.fine", "1"}};
    unpackTo(site.dest, Tar().raw(entry).done(), {.whiteouts = Whiteouts::overlay});
    char names[256];
    const ssize_t size = ::llistxattr((site.dest / "d").c_str(), names, sizeof names);
    BOOST_TEST(std::string(names, static_cast<std::size_t>(size)) == std::string("user.fine\0", 10));
}

BOOST_AUTO_TEST_SUITE_END()
