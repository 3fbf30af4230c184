#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/check.hpp"
#include "conformance/tar.hpp"
#include "conformance/tree.hpp"
#include "conformance/volume_world.hpp"

namespace davit::conformance {
namespace {

namespace fs = std::filesystem;
using Target = VolumeTarget;

void contentStays(Target& t) {
    TestVolume volume(t);
    volume.write("d/f", "content");
    expect(volume.read("d/f") == "content", "content was lost between two uses");
}

void emptyAtFirst(Target& t) {
    TestVolume volume(t);
    expect(readTree(volume.mount()).empty(), "a new volume isn't empty");
}

// One of each kind of object that volumes have in practice.
void fill(const fs::path& root) {
    writeFile(root / "d" / "f", std::string(100000, 'f'));
    fs::create_hard_link(root / "d" / "f", root / "linked");
    fs::create_symlink("/etc/passwd", root / "absolute");
    writeFile(root / "owned", "x");
    check(::chown((root / "owned").c_str(), 1234, 5678), "change an owner");
    check(::chmod((root / "owned").c_str(), 04751), "change a mode");
    if (::setxattr((root / "owned").c_str(), "user.note", "kept", 4, 0) != 0 && errno != ENOTSUP) check(-1, "set an xattr");
    check(::mkfifo((root / "fifo").c_str(), 0600), "make a FIFO");
    check(::mkdir((root / "sticky").c_str(), 0700), "make a directory");
    check(::chmod((root / "sticky").c_str(), 01777), "change a mode");
    check(::chmod(root.c_str(), 0750), "change the mode of the volume");
    check(::chown(root.c_str(), 99, 98), "change the owner of the volume");
}

std::string ownerOf(const fs::path& path) {
    struct stat info {};
    check(::stat(path.c_str(), &info), "stat {}", path.native());
    return fmt::format("{:o} {}:{}", info.st_mode & 07777U, info.st_uid, info.st_gid);
}

void expectSame(const std::string& what, TestVolume& expected, TestVolume& seen) {
    const fs::path one = expected.mount(), other = seen.mount();
    const std::string differs = difference(readTree(one), readTree(other));
    expect(differs.empty(), what + " differs: " + differs);
    expect(ownerOf(one) == ownerOf(other), what + " differs: the volume itself is " + ownerOf(one) + " and " + ownerOf(other));
    expected.unmount();
    seen.unmount();
}

void usageCounts(Target& t) {
    if (!t.driver->capabilities().usage) throw Skipped("the driver doesn't announce Usage");
    TestVolume volume(t);
    const VolumeUsage before = t.driver->usage(volume.name());
    for (int i = 0; i < 20; ++i) volume.write("f" + std::to_string(i), std::string(100000, 'x'));
    const fs::path path = volume.mount();
    ::sync();  // some count what is on disk
    const VolumeUsage after = t.driver->usage(volume.name());
    expect(before.size >= -1 && before.inodes >= -1 && after.size >= -1 && after.inodes >= -1, "usage() answers nonsense");
    if (after.size >= 0) expect(after.size - before.size >= 2000000, "20 files of 100000 bytes make " + std::to_string(after.size - before.size));
    if (after.inodes >= 0 && before.inodes >= 0)
        expect(after.inodes - before.inodes == 20, "20 files make " + std::to_string(after.inodes - before.inodes) + " inodes");
}

void snapshotsWork(Target& t) {
    if (!t.driver->capabilities().snapshot) throw Skipped("the driver doesn't announce Snapshot");
    TestVolume volume(t);
    expect(t.driver->listSnapshots(volume.name()).empty(), "a new volume has snapshots");
    t.driver->snapshot(volume.name(), "s1", {});
    t.driver->snapshot(volume.name(), "s2", {});
    auto all = t.driver->listSnapshots(volume.name());
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    expect(all.size() == 2 && all[0].name == "s1" && all[1].name == "s2", "listSnapshots() doesn't name the two snapshots");
    expectRefused("snapshot() named \"../escape\"", [&] { t.driver->snapshot(volume.name(), "../escape", {}); });
    expectRefused("snapshot() with an unknown option", [&] { t.driver->snapshot(volume.name(), "s3", {{"no-such-option-at-all", "1"}}); });
    expectRefused("snapshot() of an unknown volume", [&] { t.driver->snapshot(freshVolumeName(), "s1", {}); });
    expect(!volume.has("s1") && readTree(volume.mount()).empty(), "snapshots are seen in the volume's content");
    volume.unmount();
    t.driver->removeSnapshot(volume.name(), "s1");
    t.driver->removeSnapshot(volume.name(), "s1");
    expect(t.driver->listSnapshots(volume.name()).size() == 1, "a removed snapshot is still listed");
    volume.remove();
}

void requireClone(const Target& t) {
    if (!t.driver->capabilities().clone) throw Skipped("the driver doesn't announce Clone");
}

void clonesAreCopies(Target& t) {
    requireClone(t);
    TestVolume volume(t);
    fill(volume.mount());
    const std::string name = freshVolumeName();
    t.driver->clone({.source = volume.name(), .snapshot = {}, .name = name});
    TestVolume clone(t, name);
    expectSame("the clone", volume, clone);
    clone.write("d/f", "changed");
    volume.write("own", "x");
    expect(volume.read("d/f") == std::string(100000, 'f') && !clone.has("own"), "a clone and its source share their content");
    expect(isListed(t, name) && t.driver->get(name).has_value(), "the clone is unknown to get() or list()");
}

void clonesOfSnapshots(Target& t) {
    requireClone(t);
    if (!t.driver->capabilities().snapshot) throw Skipped("the driver doesn't announce Snapshot");
    TestVolume volume(t);
    fill(volume.mount());
    const Tree then = readTree(volume.mount());
    t.driver->snapshot(volume.name(), "then", {});
    volume.write("d/f", "changed");
    volume.write("later", "x");
    const std::string name = freshVolumeName();
    t.driver->clone({.source = volume.name(), .snapshot = "then", .name = name});
    TestVolume clone(t, name);
    const std::string differs = difference(then, readTree(clone.mount()));
    expect(differs.empty(), "the snapshot isn't what the volume was: " + differs);
    expectRefused("clone() of an unknown snapshot",
                  [&] { t.driver->clone({.source = volume.name(), .snapshot = "never", .name = freshVolumeName()}); });
    expectRefused("clone() to a name in use", [&] { t.driver->clone({.source = volume.name(), .snapshot = {}, .name = name}); });
    t.driver->removeSnapshot(volume.name(), "then");
    expect(clone.read("d/f") == std::string(100000, 'f'), "a clone lost content with its snapshot");
}

void requireTransfer(const Target& t) {
    if (!t.driver->capabilities().transfer) throw Skipped("the driver doesn't announce Export and Import");
}

void transferWorks(Target& t) {
    requireTransfer(t);
    TestVolume from(t), to(t);
    fill(from.mount());
    const std::string tar = exported(t, from.name());
    TextSource source(tar);
    t.driver->importVolume(to.name(), source);
    from.unmount();
    expectSame("what was imported", from, to);
    from.remove();
    to.remove();
}

void importReplacesNothing(Target& t) {
    requireTransfer(t);
    TestVolume volume(t);
    volume.write("f", "mine");
    TextSource source(makeTar({{.name = "f", .content = "theirs"}}));
    expectRefused("import() into a volume that has content", [&] { t.driver->importVolume(volume.name(), source); });
    expect(volume.read("f") == "mine", "import() replaced a file");
    TextSource other(makeTar({}));
    expectRefused("import() into an unknown volume", [&] { t.driver->importVolume(freshVolumeName(), other); });
}

void badArchives(Target& t) {
    requireTransfer(t);
    TestVolume volume(t);
    const std::string whole = makeTar({{.name = "a", .content = std::string(50000, 'a')}, {.name = "b", .content = std::string(50000, 'b')}});
    TextSource cut(std::string_view(whole).substr(0, 70000));
    expectRefused("import() of half an archive", [&] { t.driver->importVolume(volume.name(), cut); });
    expect(readTree(volume.mount()).empty(), "half an archive left something behind");
    volume.unmount();
    const std::string outside = freshVolumeName();
    TextSource hostile(makeTar({{.name = "link", .type = '2', .target = "/tmp"}, {.name = "link/" + outside, .content = "x"}, {.name = "../" + outside, .content = "x"}}));
    try {
        t.driver->importVolume(volume.name(), hostile);
    } catch (const Error&) {  // refusing is right, and so is keeping it inside
    }
    const fs::path path = volume.mount();
    expect(!isThere(fs::path("/tmp") / outside) && !isThere(path.parent_path() / outside), "an archive wrote outside of the volume");
}

}  // namespace

Rules<VolumeTarget> volumeContentRules() {
    return {
        {"content_stays", "content stays between two uses", &contentStays},
        {"empty_at_first", "a new volume is empty", &emptyAtFirst},
        {"usage", "usage() counts what is written", &usageCounts},
        {"snapshots", "snapshots can be made, listed and removed, and are no part of the content", &snapshotsWork},
        {"clone", "a clone has the content of its source, and its own from then on", &clonesAreCopies},
        {"clone_of_snapshot", "a clone of a snapshot has the content of that moment", &clonesOfSnapshots},
        {"transfer", "what is exported can be imported: links, owners, modes and extended attributes", &transferWorks},
        {"import_replaces_nothing", "import() doesn't replace what is there", &importReplacesNothing},
        {"bad_archives", "half an archive leaves nothing, and a hostile one stays inside", &badArchives},
    };
}

}  // namespace davit::conformance
