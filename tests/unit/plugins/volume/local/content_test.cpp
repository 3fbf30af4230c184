#include <sys/stat.h>

#include "local_fixtures.hpp"

using namespace davit;
using namespace davit::local;
using archive::Tar;
namespace fs = std::filesystem;

namespace {

void importTar(LocalVolumes& local, const std::string& name, const std::string& tar) {
    archive::StringSource source(tar);
    local->importVolume(name, source);
}

std::string exported(LocalVolumes& local, const std::string& name) {
    archive::StringSink sink;
    local->exportVolume(name, sink);
    return sink.text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(local_content)

BOOST_AUTO_TEST_CASE(content_of_a_file_system_travels_without_a_user) {
    LocalVolumes local;
    local->create("from", {{"size", "10m"}});
    importTar(local, "from", Tar().dir("d").file("d/f", "text").link("l", "d/f").done());
    BOOST_TEST(!local.isMounted("from"));
    BOOST_TEST(archive::listing(exported(local, "from")) == "d:. d:./d f:./d/f l:./l ");
    BOOST_TEST(!local.isMounted("from"));
    local->snapshot("from", "s", {});
    BOOST_TEST(fs::exists(local.root() / "from/snapshots/s/_data/d/f"));
    BOOST_TEST(!local->listSnapshots("from").at(0).created_at.empty());
    local->create("to", {});
    importTar(local, "to", exported(local, "from"));
    BOOST_TEST(fs::exists(local.data("to") / "d/f"));
}

BOOST_AUTO_TEST_CASE(foreign_content_has_no_snapshots_and_sizes) {
    const TempDir dir;
    writeFileAtomically(dir.path() / "f", "x");
    LocalVolumes local;
    local->create("bound", {{"type", "none"}, {"device", dir.path().string()}, {"o", "bind"}});
    BOOST_CHECK_EXCEPTION(local->snapshot("bound", "s", {}), Error, withCode(Code::forbidden));
    BOOST_CHECK_EXCEPTION(local->clone({.source = "bound", .snapshot = {}, .name = "copy"}), Error, withCode(Code::forbidden));
    BOOST_CHECK_EXCEPTION(local->resize("bound", 4096), Error, withCode(Code::forbidden));
    BOOST_TEST(!local.isMounted("bound"));
    BOOST_TEST(archive::listing(exported(local, "bound")) == "d:. f:./f ");
    BOOST_CHECK_EXCEPTION(importTar(local, "bound", Tar().file("g").done()), Error, withCode(Code::conflict));
    BOOST_TEST(!local.isMounted("bound"));
    BOOST_TEST(fs::exists(dir.path() / "f"));
}

BOOST_AUTO_TEST_CASE(an_import_that_was_cut_off_is_undone_before_the_next_use) {
    LocalVolumes local;
    for (const char* name : {"plain", "file"}) {
        local->create(name, name == std::string("file") ? Options{{"size", "10m"}} : Options());
        writeFileAtomically(fs::path(local->mount(name, "1")) / "half", "x");
        local->unmount(name, "1");
        writeFileAtomically(local.root() / name / "importing", "");
        local.restart();
        BOOST_TEST(fs::is_empty(local->mount(name, "1")));
        BOOST_TEST(!fs::exists(local.root() / name / "importing"));
        local->unmount(name, "1");
    }
}

BOOST_AUTO_TEST_CASE(an_import_that_fails_leaves_an_empty_volume) {
    LocalVolumes local;
    local->create("vol", {});
    BOOST_CHECK_EXCEPTION(importTar(local, "vol", Tar().file("a").file("../b").done()), Error, withCode(Code::invalid));
    BOOST_TEST(fs::is_empty(local.data("vol")));
    (void)local->mount("vol", "1");
    BOOST_CHECK_EXCEPTION(importTar(local, "vol", Tar().file("a").done()), Error, withCode(Code::conflict));
    local->unmount("vol", "1");
    importTar(local, "vol", Tar().file(".wh.a").done());
    BOOST_TEST(fs::exists(local.data("vol") / ".wh.a"));
}

BOOST_AUTO_TEST_CASE(clones_are_made_once) {
    LocalVolumes local;
    local->create("from", {});
    importTar(local, "from", Tar().file("f", "1").done());
    local->snapshot("from", "s", {});
    local->clone({.source = "from", .snapshot = "s", .name = "to"});
    writeFileAtomically(local.data("to") / "f", "changed");
    local->clone({.source = "from", .snapshot = "s", .name = "to"});
    BOOST_TEST(archive::textOf(local.data("to") / "f") == "changed");
    BOOST_CHECK_EXCEPTION(local->clone({.source = "from", .snapshot = {}, .name = "to"}), Error, withCode(Code::conflict));
    BOOST_CHECK_EXCEPTION(local->clone({.source = "none", .snapshot = {}, .name = "new"}), Error, withCode(Code::not_found));
    BOOST_CHECK_EXCEPTION(local->clone({.source = "from", .snapshot = "../s", .name = "new"}), Error, withCode(Code::invalid));
    BOOST_TEST(local->listSnapshots("to").empty());
}

BOOST_AUTO_TEST_CASE(walking_counts_each_file_once) {
    LocalVolumes local;
    local->create("vol", {});
    importTar(local, "vol", Tar().dir("d").file("d/f", std::string(1000, 'x')).hard("again", "d/f").link("l", "d").done());
    const VolumeUsage usage = local->usage("vol");
    BOOST_TEST(usage.inodes == 3);
    BOOST_TEST(usage.size >= 1000);
    davit_call call{};
    call.deadline_ms = 1;  // long ago
    for (int i = 0; i < 300; ++i) writeFileAtomically(local.data("vol") / std::to_string(i), "");
    const CurrentCall::Scope scope(call);
    if (usage.size == 1000) BOOST_CHECK_EXCEPTION(local->usage("vol"), Error, withCode(Code::deadline));
}

BOOST_AUTO_TEST_SUITE_END()
