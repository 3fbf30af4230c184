#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>

#include "conformance/storage_suite.hpp"
#include "conformance/tar.hpp"
#include "conformance/tree.hpp"

namespace davit::conformance {
namespace {

using Target = StorageTarget;
using Entries = std::vector<TarEntry>;

// A finished layer made from an archive.
std::string applied(Target& t, const std::string& parent, const Entries& entries) {
    const std::string id = Target::id();
    createLayer(t, id, parent);
    try {
        (void)apply(t, id, parent, makeTar(entries));
    } catch (const Skipped&) {
        t.driver->remove(id);
        throw;
    }
    return id;
}

std::string diffOf(Target& t, const std::string& id, const std::string& parent) {
    return optional("GraphDriver.Diff", [&] {
        TextSink sink;
        t.driver->diff(id, parent, sink);
        return std::move(sink.text);
    });
}

struct stat statusOf(const std::filesystem::path& path) {
    struct stat status {};
    expect(::lstat(path.c_str(), &status) == 0, path.filename().native() + " is missing");
    return status;
}

void archiveContents(Target& t) {
    const std::string id = applied(t, {}, {{.name = "d/", .type = '5', .mode = 0711, .uid = 12, .gid = 34},
                                           {.name = "d/f", .content = "hello", .mode = 0640, .uid = 1000, .gid = 2000},
                                           {.name = "suid", .content = "x", .mode = 04755, .uid = 7, .gid = 8},
                                           {.name = "l", .type = '2', .target = "d/f"},
                                           {.name = "broken", .type = '2', .target = "/no/such/\xff"}});
    Mounted mounted(*t.driver, id);
    const auto file = statusOf(mounted.path() / "d/f");
    expect(contentOf(mounted.path() / "d/f") == "hello", "a file has another content");
    expect((file.st_mode & 07777U) == 0640 && file.st_uid == 1000 && file.st_gid == 2000, "mode or owner of a file was lost");
    expect(file.st_mtim.tv_sec == 1700000000, "a file's modification time was lost");
    const auto dir = statusOf(mounted.path() / "d");
    expect((dir.st_mode & 07777U) == 0711 && dir.st_uid == 12, "mode or owner of a directory was lost");
    expect((statusOf(mounted.path() / "suid").st_mode & 07777U) == 04755, "a set-user-id bit was lost");
    expect(std::filesystem::read_symlink(mounted.path() / "l") == "d/f", "a symbolic link leads elsewhere");
    expect(std::filesystem::read_symlink(mounted.path() / "broken") == "/no/such/\xff", "a dangling link was changed");
    mounted.put();
    removeAll(t, {id});
}

void hardLinks(Target& t) {
    const std::string id = applied(t, {}, {{.name = "a", .content = "same"},
                                           {.name = "d", .type = '5', .mode = 0755},
                                           {.name = "d/b", .type = '1', .target = "a"}});
    Mounted mounted(*t.driver, id);
    expect(statusOf(mounted.path() / "a").st_ino == statusOf(mounted.path() / "d/b").st_ino, "a hard link became a copy");
    mounted.put();
    removeAll(t, {id});
}

void devicesAndPipes(Target& t) {
    const std::string id = applied(t, {}, {{.name = "null", .type = '3', .mode = 0666, .major = 1, .minor = 3},
                                           {.name = "block", .type = '4', .mode = 0600, .major = 7, .minor = 9},
                                           {.name = "pipe", .type = '6', .mode = 0600}});
    Mounted mounted(*t.driver, id);
    const auto null = statusOf(mounted.path() / "null");
    expect(S_ISCHR(null.st_mode) && null.st_rdev == makedev(1, 3), "a character device is something else");
    const auto block = statusOf(mounted.path() / "block");
    expect(S_ISBLK(block.st_mode) && block.st_rdev == makedev(7, 9), "a block device is something else");
    expect(S_ISFIFO(statusOf(mounted.path() / "pipe").st_mode), "a pipe is something else");
    mounted.put();
    removeAll(t, {id});
}

void extendedAttributes(Target& t) {
    const std::string capability("\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);
    const std::string id = applied(t, {}, {{.name = "f", .content = "x", .mode = 0755, .xattrs = {{"security.capability", capability}}}});
    Mounted mounted(*t.driver, id);
    char value[64];
    const ssize_t size = ::lgetxattr((mounted.path() / "f").c_str(), "security.capability", value, sizeof value);
    expect(size == 20 && std::string_view(value, 20) == capability, "a file's capabilities were lost");
    mounted.put();
    removeAll(t, {id});
}

void oddNames(Target& t) {
    const std::vector<std::string> names = {std::string("nul-free \x01\x02\xff\xfe"), "new\nline", "quo\"te\\back", " blank ", "-dash",
                                            std::string(255, 'n'), "d/" + std::string(120, 'x') + "/" + std::string(200, 'y'), "ünïcödé"};
    Entries entries = {{.name = "d", .type = '5', .mode = 0755}, {.name = "d/" + std::string(120, 'x'), .type = '5', .mode = 0755}};
    for (const std::string& name : names) entries.push_back({.name = name, .content = name});
    const std::string id = applied(t, {}, entries);
    Mounted mounted(*t.driver, id);
    for (const std::string& name : names) expect(contentOf(mounted.path() / name) == name, "the file \"" + name + "\" has another content");
    mounted.put();
    const std::string child = Target::id();
    createWritable(t, child, id);
    Mounted writable(*t.driver, child);
    for (const std::string& name : names) writeFile(writable.path() / name, "changed");
    writable.put();
    const auto listed = listTar(diffOf(t, child, id));
    for (const std::string& name : names) expect(listed.contains(name), "the diff lacks \"" + name + "\"");
    removeAll(t, {child, id});
}

void bigAndSparseFiles(Target& t) {
    std::string big(9U << 20U, '\0');
    for (std::size_t i = 0; i < big.size(); i += 4096 * 300) big[i] = 'x';
    const std::string id = applied(t, {}, {{.name = "big", .content = big}, {.name = "empty"}});
    Mounted mounted(*t.driver, id);
    expect(contentOf(mounted.path() / "big") == big, "a big file with holes has another content");
    expect(contentOf(mounted.path() / "empty").empty(), "an empty file isn't");
    mounted.put();
    removeAll(t, {id});
}

void appliedSize(Target& t) {
    const std::string id = Target::id();
    createLayer(t, id);
    const std::int64_t size = apply(t, id, {}, makeTar({{.name = "a", .content = std::string(1000, 'a')},
                                                        {.name = "d", .type = '5', .mode = 0755},
                                                        {.name = "d/b", .content = std::string(234, 'b')}}));
    removeAll(t, {id});
    expect(size == 1234, "applyDiff() of files with 1234 bytes answered " + std::to_string(size));
}

void whiteouts(Target& t) {
    const std::string base = applied(t, {}, {{.name = "f", .content = "1"}, {.name = "d", .type = '5', .mode = 0755},
                                             {.name = "d/x", .content = "1"}, {.name = "e", .type = '5', .mode = 0755},
                                             {.name = "e/y", .content = "1"}, {.name = "e/z", .content = "1"}});
    const std::string top = applied(t, base, {{.name = ".wh.f"}, {.name = ".wh.d"}, {.name = "e", .type = '5', .mode = 0755},
                                              {.name = "e/.wh.y"}, {.name = ".wh.never-there"}});
    Mounted mounted(*t.driver, top);
    expect(!isThere(mounted.path() / "f"), "a whiteout of a file doesn't hide it");
    expect(!isThere(mounted.path() / "d"), "a whiteout of a directory doesn't hide it");
    expect(!isThere(mounted.path() / "e/y") && isThere(mounted.path() / "e/z"), "a whiteout hides the wrong file");
    expect(!isThere(mounted.path() / ".wh.f"), "the whiteout itself is visible");
    mounted.put();
    Mounted below(*t.driver, base);
    expect(isThere(below.path() / "f") && isThere(below.path() / "d/x"), "a whiteout reached the parent");
    below.put();
    removeAll(t, {top, base});
}

void opaqueDirectories(Target& t) {
    const std::string base = applied(t, {}, {{.name = "d", .type = '5', .mode = 0755}, {.name = "d/old", .content = "1"},
                                             {.name = "d/s", .type = '5', .mode = 0755}, {.name = "d/s/deep", .content = "1"}});
    const std::string top = applied(t, base, {{.name = "d", .type = '5', .mode = 0700}, {.name = "d/new", .content = "2"}, {.name = "d/.wh..wh..opq"}});
    Mounted mounted(*t.driver, top);
    expect(isThere(mounted.path() / "d/new"), "an opaque directory lost its own file");
    expect(!isThere(mounted.path() / "d/old") && !isThere(mounted.path() / "d/s"), "an opaque directory shows its parent's files");
    expect(!isThere(mounted.path() / "d/.wh..wh..opq"), "the opaque marker itself is visible");
    mounted.put();
    removeAll(t, {top, base});
}

void replacedByOtherTypes(Target& t) {
    const std::string base = applied(t, {}, {{.name = "a", .content = "file"}, {.name = "b", .type = '5', .mode = 0755}, {.name = "b/f", .content = "1"},
                                             {.name = "c", .type = '2', .target = "a"}});
    const std::string top = applied(t, base, {{.name = "a", .type = '5', .mode = 0755}, {.name = "a/in", .content = "2"},
                                              {.name = "b", .content = "now a file"}, {.name = "c", .content = "no link"}});
    Mounted mounted(*t.driver, top);
    expect(contentOf(mounted.path() / "a/in") == "2", "a directory in a file's place lost its content");
    expect(contentOf(mounted.path() / "b") == "now a file", "a file in a directory's place is something else");
    expect(!std::filesystem::is_symlink(mounted.path() / "c") && contentOf(mounted.path() / "c") == "no link", "a file in a link's place was written through it");
    mounted.put();
    removeAll(t, {top, base});
}

// What a container did, for the round trip and the lists of changes.
void changeThings(const std::filesystem::path& root) {
    writeFile(root / "new/deep/file", "new");
    writeFile(root / "d/kept", "changed");
    std::filesystem::remove(root / "gone");
    std::filesystem::remove_all(root / "tree");
    std::filesystem::remove_all(root / "again");
    writeFile(root / "again/other", "made anew");
    std::filesystem::create_symlink("nowhere", root / "link");
    std::filesystem::create_hard_link(root / "new/deep/file", root / "new/second");
    std::filesystem::permissions(root / "mode", std::filesystem::perms(0600));
}

std::string baseForChanges(Target& t) {
    return layerWith(t, {}, {{"d/kept", "1"}, {"d/same", "1"}, {"gone", "1"}, {"tree/a/b", "1"}, {"again/first", "1"}, {"mode", "1"}});
}

void roundTrip(Target& t) {
    const std::string base = baseForChanges(t), id = Target::id(), copy = Target::id();
    createWritable(t, id, base);
    Mounted mounted(*t.driver, id);
    changeThings(mounted.path());
    const Tree expected = readTree(mounted.path());
    mounted.put();
    const std::string tar = diffOf(t, id, base);
    createLayer(t, copy, base);
    (void)apply(t, copy, base, tar);
    Mounted again(*t.driver, copy);
    const std::string differs = difference(expected, readTree(again.path()));
    again.put();
    removeAll(t, {copy, id, base});
    expect(differs.empty(), "after diff() and applyDiff() " + differs);
}

void diffSpeaksOci(Target& t) {
    const std::string base = baseForChanges(t), id = Target::id();
    createWritable(t, id, base);
    Mounted mounted(*t.driver, id);
    changeThings(mounted.path());
    mounted.put();
    const auto entries = listTar(diffOf(t, id, base));
    removeAll(t, {id, base});
    expect(entries.contains(".wh.gone") && entries.contains(".wh.tree"), "a deletion has no .wh. entry in the diff");
    expect(entries.contains("new/deep/file") && entries.contains("d/kept"), "an added or changed file isn't in the diff");
    expect(!entries.contains("d/same"), "an unchanged file is in the diff");
    for (const auto& [name, type] : entries) expect(type != '3', "the diff holds a device, \"" + name + "\": whiteouts must be .wh. files");
}

void wholeDiff(Target& t) {
    const std::string base = layerWith(t, {}, {{"a", "1"}, {"d/b", "2"}});
    const auto entries = listTar(diffOf(t, base, {}));
    removeAll(t, {base});
    expect(entries.contains("a") && entries.contains("d/b"), "the diff of a layer without a parent isn't its whole content");
}

void changesAreListed(Target& t) {
    const std::string base = baseForChanges(t), id = Target::id();
    createWritable(t, id, base);
    Mounted mounted(*t.driver, id);
    changeThings(mounted.path());
    mounted.put();
    const auto changes = optional("GraphDriver.Changes", [&] { return t.driver->changes(id, base); });
    removeAll(t, {id, base});
    using Kind = LayerChange::Kind;
    const auto has = [&changes](const char* path, Kind kind) {
        const bool found = std::find(changes.begin(), changes.end(), LayerChange{path, kind}) != changes.end();
        expect(found, std::string("changes() lacks or misnames ") + path);
    };
    has("/new", Kind::added), has("/new/deep/file", Kind::added), has("/link", Kind::added), has("/again/other", Kind::added);
    has("/d", Kind::modified), has("/d/kept", Kind::modified), has("/mode", Kind::modified);
    has("/gone", Kind::deleted), has("/tree", Kind::deleted);
    const auto before = [](const LayerChange& a, const LayerChange& b) { return a.path < b.path; };
    expect(std::is_sorted(changes.begin(), changes.end(), before), "changes() isn't sorted by path");
    for (const auto& change : changes) expect(change.path != "/d/same" && change.path != "/", "changes() names " + change.path);
}

void noChanges(Target& t) {
    const std::string base = baseForChanges(t), id = Target::id();
    createWritable(t, id, base);
    const auto changes = optional("GraphDriver.Changes", [&] { return t.driver->changes(id, base); });
    const auto entries = listTar(diffOf(t, id, base));
    removeAll(t, {id, base});
    expect(changes.empty(), "an untouched layer has changes, first " + (changes.empty() ? "" : changes.front().path));
    expect(entries.empty(), "an untouched layer has a diff, first " + (entries.empty() ? "" : entries.begin()->first));
}

void sizeOfDiff(Target& t) {
    const std::string base = layerWith(t, {}, {{"big", std::string(1U << 20U, 'x')}}), id = Target::id();
    createWritable(t, id, base);
    Mounted mounted(*t.driver, id);
    writeFile(mounted.path() / "mine", std::string(100000, 'm'));
    mounted.put();
    const std::int64_t size = optional("GraphDriver.DiffSize", [&] { return t.driver->diffSize(id, base); });
    removeAll(t, {id, base});
    expect(size >= 100000 && size < 200000, "diffSize() of 100000 new bytes answered " + std::to_string(size));
}

void exactDiffs(Target& t) {
    if (!t.driver->capabilities(t.init.home).reproduces_exact_diffs) throw Skipped("the driver doesn't claim exact diffs");
    const std::string tar = makeTar({{.name = "b", .content = "2"}, {.name = "a", .content = "1"}}), id = Target::id();
    createLayer(t, id);
    (void)apply(t, id, {}, tar);
    const std::string again = diffOf(t, id, {});
    removeAll(t, {id});
    expect(again == tar, "diff() isn't byte for byte what applyDiff() got");
}

// A failed applyDiff leaves a layer that can be removed and made again.
void expectFailedApply(Target& t, std::string_view tar, std::size_t fail_after, const std::string& what) {
    const std::string id = Target::id();
    createLayer(t, id);
    bool failed = false;
    try {
        TextSource source(tar, fail_after);
        (void)optional("GraphDriver.ApplyDiff", [&] { return t.driver->applyDiff(id, {}, source); });
    } catch (const Error&) {
        failed = true;
    } catch (const Skipped&) {
        t.driver->remove(id);
        throw;
    }
    t.driver->remove(id);
    expect(!t.driver->exists(id), what + ": the layer can't be removed afterwards");
    createLayer(t, id);
    Mounted mounted(*t.driver, id);
    expect(readTree(mounted.path()).empty(), what + ": the id made anew shows what was half written");
    mounted.put();
    removeAll(t, {id});
    expect(failed, what + ": applyDiff() succeeded");
}

void brokenArchives(Target& t) {
    const std::string tar = makeTar({{.name = "a", .content = std::string(300000, 'a')}, {.name = "b", .content = "b"}});
    expectFailedApply(t, std::string_view(tar).substr(0, 200000), std::string_view::npos, "an archive that is cut short");
    expectFailedApply(t, tar, 100000, "a source that fails");
    expectFailedApply(t, std::string(10240, 'g'), std::string_view::npos, "garbage");
}

void hostileArchives(Target& t) {
    const auto outside = t.scratch / "outside";
    std::filesystem::create_directories(outside);
    const std::string back = "../../../../../../../../../../../../" + outside.native().substr(1);
    const std::vector<Entries> archives = {
        {{.name = back + "/dots", .content = "x"}},
        {{.name = outside.native() + "/absolute", .content = "x"}},
        {{.name = "l", .type = '2', .target = outside.native()}, {.name = "l/through", .content = "x"}},
        {{.name = "h", .type = '1', .target = back + "/victim"}, {.name = "h", .content = "overwritten"}},
        {{.name = "l", .type = '2', .target = outside.native()}, {.name = "l/.wh.victim"}},
        {{.name = "l", .type = '2', .target = outside.native()}, {.name = "l/.wh..wh..opq"}}};
    writeFile(outside / "victim", "untouched");
    for (const Entries& entries : archives) {
        const std::string id = Target::id();
        createLayer(t, id);
        try {
            const std::string tar = makeTar(entries);
            TextSource hostile(tar);
            (void)t.driver->applyDiff(id, {}, hostile);
        } catch (const Error& e) {  // a refusal is as good as staying inside
            if (e.code() == Code::unimplemented) {
                t.driver->remove(id);
                throw Skipped("GraphDriver.ApplyDiff is left to the engine");
            }
        }
        t.driver->remove(id);
        const Tree tree = readTree(outside);
        expect(tree.size() == 1 && contentOf(outside / "victim") == "untouched",
               "the entry \"" + entries.back().name + "\" reached outside of the layer");
    }
}

}  // namespace

Rules<StorageTarget> storageContentRules() {
    return {
        {"archive_contents", "applyDiff() keeps contents, modes, owners, times and links", &archiveContents},
        {"hard_links", "hard links stay hard links", &hardLinks},
        {"devices", "devices and pipes are what the archive says", &devicesAndPipes},
        {"xattrs", "extended attributes, file capabilities among them, are kept", &extendedAttributes},
        {"odd_names", "file names may be any bytes, up to 255 of them", &oddNames},
        {"big_files", "big files, files with holes and empty files arrive whole", &bigAndSparseFiles},
        {"applied_size", "applyDiff() answers the sum of the regular files' sizes", &appliedSize},
        {"whiteouts", "whiteouts hide files and directories of the parent, and only those", &whiteouts},
        {"opaque", "an opaque directory hides its parent's content wherever its marker stands", &opaqueDirectories},
        {"replaced_types", "a layer may put a file where its parent has a directory or a link, and the other way round", &replacedByOtherTypes},
        {"round_trip", "what diff() writes gives the same tree through applyDiff()", &roundTrip},
        {"diff_speaks_oci", "diff() holds what changed, with OCI whiteouts and nothing of the driver's own", &diffSpeaksOci},
        {"whole_diff", "the diff of a layer without a parent is its whole content", &wholeDiff},
        {"changes", "changes() names what was added, modified and deleted, sorted", &changesAreListed},
        {"no_changes", "an untouched layer has no changes and an empty diff", &noChanges},
        {"diff_size", "diffSize() is the size of what the layer itself holds", &sizeOfDiff},
        {"exact_diffs", "a driver that claims exact diffs gives back the archive byte for byte", &exactDiffs},
        {"broken_archives", "an archive that breaks off is an error, and its layer can be removed and made again", &brokenArchives},
        {"hostile_archives", "no archive entry reaches outside of its layer", &hostileArchives},
    };
}

}  // namespace davit::conformance
