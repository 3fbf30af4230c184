#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "base/defer.hpp"
#include "base/id.hpp"
#include "conformance/storage_suite.hpp"
#include "conformance/tar.hpp"
#include "conformance/tree.hpp"

namespace davit::conformance {

std::string StorageTarget::id() { return randomId(); }

Mounted::~Mounted() {
    try {
        put();
    } catch (const Error&) {  // a destructor: the rule's own failure matters more
    }
}

void Mounted::put() {
    if (std::exchange(mounted_, false)) driver_.put(id_);
}

void createLayer(StorageTarget& t, const std::string& id, const std::string& parent) {
    t.driver->create({.id = id, .parent = parent, .mount_label = {}, .storage_opt = {}});
}
void createWritable(StorageTarget& t, const std::string& id, const std::string& parent) {
    t.driver->createWritable({.id = id, .parent = parent, .mount_label = {}, .storage_opt = {}});
}
std::int64_t apply(StorageTarget& t, const std::string& id, const std::string& parent, std::string_view tar) {
    return optional("GraphDriver.ApplyDiff", [&] {
        TextSource source(tar);
        return t.driver->applyDiff(id, parent, source);
    });
}
std::string layerWith(StorageTarget& t, const std::string& parent,
                      const std::vector<std::pair<std::string, std::string>>& files) {
    const std::string id = StorageTarget::id();
    createLayer(t, id, parent);
    Mounted mounted(*t.driver, id);
    for (const auto& [name, content] : files) writeFile(mounted.path() / name, content);
    mounted.put();
    return id;
}
void removeAll(StorageTarget& t, const std::vector<std::string>& ids) {
    for (const std::string& id : ids) t.driver->remove(id);
}

namespace {

using Target = StorageTarget;

void statusHasNames(Target& t) {
    for (const auto& [name, value] : t.driver->status()) expect(!name.empty(), "a status pair without a name: " + value);
}

void createdIsEmpty(Target& t) {
    const std::string id = Target::id();
    createLayer(t, id);
    expect(t.driver->exists(id), "exists() says no after create()");
    Mounted mounted(*t.driver, id);
    expect(mounted.path().is_absolute(), "get() answered " + mounted.path().native());
    expect(readTree(mounted.path()).empty(), "a fresh layer isn't empty");
    mounted.put();
    removeAll(t, {id});
}

void createTwiceIsConflict(Target& t) {
    const std::string id = layerWith(t, {}, {{"kept", "as it was"}});
    expectError(Code::conflict, "create() of an existing id", [&] { createLayer(t, id); });
    expectError(Code::conflict, "createWritable() of an existing id", [&] { createWritable(t, id); });
    Mounted mounted(*t.driver, id);
    expect(contentOf(mounted.path() / "kept") == "as it was", "the existing layer was changed");
    mounted.put();
    removeAll(t, {id});
}

void unknownIds(Target& t) {
    const std::string id = Target::id();
    expect(!t.driver->exists(id), "exists() of an unknown id says yes");
    t.driver->remove(id);
    expectError(Code::not_found, "get() of an unknown id", [&] { (void)t.driver->get(id, ""); });
    expectError(Code::not_found, "put() of an unknown id", [&] { t.driver->put(id); });
    expectError(Code::not_found, "metadata() of an unknown id", [&] { (void)t.driver->metadata(id); });
}

void unknownParent(Target& t) {
    const std::string id = Target::id();
    expectError(Code::not_found, "create() above an unknown parent", [&] { createLayer(t, id, Target::id()); });
    expect(!t.driver->exists(id), "a layer was left behind");
}

void badIds(Target& t) {
    for (const std::string& id : {std::string(), std::string(".."), std::string("a/../../b"), std::string("../") + Target::id()}) {
        bool refused = false;
        try {
            createLayer(t, id);
        } catch (const Error&) {
            refused = true;
        }
        expect(refused, "create() took the id \"" + id + "\"");
    }
}

void removedIsGone(Target& t) {
    const std::string id = layerWith(t, {}, {{"old", "x"}});
    t.driver->remove(id);
    expect(!t.driver->exists(id), "exists() says yes after remove()");
    t.driver->remove(id);
    createLayer(t, id);
    Mounted mounted(*t.driver, id);
    expect(readTree(mounted.path()).empty(), "an id made anew still has its old content");
    mounted.put();
    removeAll(t, {id});
}

void getCounts(Target& t) {
    const std::string id = Target::id();
    createWritable(t, id);
    const std::string first = t.driver->get(id, "");
    const std::string second = t.driver->get(id, "");
    expect(first == second, "the second get() answered another path: " + second);
    writeFile(std::filesystem::path(first) / "f", "1");
    t.driver->put(id);
    expect(isThere(std::filesystem::path(first) / "f"), "the first of two put() unmounted the layer");
    t.driver->put(id);
    expectError(Code::not_found, "a third put() after two get()", [&] { t.driver->put(id); });
    removeAll(t, {id});
}

void removeInUse(Target& t) {
    const std::string id = Target::id();
    createWritable(t, id);
    Mounted mounted(*t.driver, id);
    expectError(Code::conflict, "remove() of a layer that is in use", [&] { t.driver->remove(id); });
    writeFile(mounted.path() / "f", "still works");
    mounted.put();
    t.driver->remove(id);
    expect(!t.driver->exists(id), "it is still there after put() and remove()");
}

void writableAboveParent(Target& t) {
    const std::string parent = layerWith(t, {}, {{"dir/a", "parent's"}, {"b", "parent's"}, {"gone", "x"}});
    const std::string one = Target::id(), two = Target::id();
    createWritable(t, one, parent);
    createWritable(t, two, parent);
    {
        Mounted mounted(*t.driver, one);
        expect(contentOf(mounted.path() / "dir/a") == "parent's", "the parent's file has another content");
        writeFile(mounted.path() / "dir/a", "child's");
        std::filesystem::remove(mounted.path() / "gone");
        mounted.put();
    }
    {
        const Mounted mounted(*t.driver, two);
        expect(contentOf(mounted.path() / "dir/a") == "parent's", "a sibling sees the other's write");
        expect(isThere(mounted.path() / "gone"), "a sibling sees the other's deletion");
    }
    {
        const Mounted mounted(*t.driver, one);
        expect(contentOf(mounted.path() / "dir/a") == "child's", "a write was lost between put() and get()");
        expect(!isThere(mounted.path() / "gone"), "a deletion was lost between put() and get()");
    }
    {
        const Mounted mounted(*t.driver, parent);
        expect(contentOf(mounted.path() / "dir/a") == "parent's", "a child's write reached the parent");
    }
    removeAll(t, {one, two, parent});
}

void longChain(Target& t) {
    std::vector<std::string> ids;
    for (int i = 0; i < 40; ++i) {
        const std::string parent = ids.empty() ? std::string() : ids.back();
        ids.push_back(layerWith(t, parent, {{"f" + std::to_string(i), "x"}, {"last", std::to_string(i)}}));
    }
    const std::string top = Target::id();
    createWritable(t, top, ids.back());
    Mounted mounted(*t.driver, top);
    for (int i = 0; i < 40; ++i)
        expect(isThere(mounted.path() / ("f" + std::to_string(i))), "the file of layer " + std::to_string(i) + " is missing");
    expect(contentOf(mounted.path() / "last") == "39", "an older layer's file hides the newest");
    mounted.put();
    ids.push_back(top);
    std::reverse(ids.begin(), ids.end());
    removeAll(t, ids);
}

void initSuffix(Target& t) {
    const std::string base = layerWith(t, {}, {{"etc/f", "x"}});
    const std::string id = Target::id();
    createWritable(t, id + "-init", base);
    createWritable(t, id, id + "-init");
    Mounted mounted(*t.driver, id);
    expect(isThere(mounted.path() / "etc/f"), "the base's file is missing");
    mounted.put();
    removeAll(t, {id, id + "-init", base});
}

void unknownStorageOption(Target& t) {
    const std::string id = Target::id();
    expectError(Code::invalid, "createWritable() with an unknown storage option", [&] {
        t.driver->createWritable({.id = id, .parent = {}, .mount_label = {}, .storage_opt = {{"no-such-option", "1"}}});
    });
    expect(!t.driver->exists(id), "a layer was left behind");
}

void listIsComplete(Target& t) {
    if (!t.driver->capabilities(t.init.home).list) throw Skipped("the driver doesn't announce List");
    const std::string a = layerWith(t, {}, {}), b = Target::id();
    createWritable(t, b, a);
    const auto ids = t.driver->list();
    const auto has = [&ids](const std::string& id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); };
    expect(has(a) && has(b), "list() lacks a layer that exists");
    removeAll(t, {b, a});
    for (const std::string& id : t.driver->list()) expect(id != a && id != b, "list() still names a removed layer");
}

// Makes the mounts that a driver describes as data at `target`.
int makeMounts(const std::vector<MountSpec>& mounts, const std::filesystem::path& target) {
    int made = 0;
    for (const MountSpec& spec : mounts) {
        std::string data;
        unsigned long flags = 0;
        if (spec.type == "bind") flags |= MS_BIND;
        for (const std::string& option : spec.options) {
            if (option == "bind" || option == "rbind" || option == "rw") continue;
            if (option == "ro")
                flags |= MS_RDONLY;
            else
                data += (data.empty() ? "" : ",") + option;
        }
        if (::mount(spec.source.c_str(), target.c_str(), spec.type.c_str(), flags, data.c_str()) != 0)
            throw Broken("mount " + spec.type + " as mounts() describes it: " + ::strerror(errno));
        ++made;
    }
    return made;
}

void mountsAreWhatGetMounts(Target& t) {
    if (!t.driver->capabilities(t.init.home).mounts) throw Skipped("the driver doesn't announce Mounts");
    const std::string base = layerWith(t, {}, {{"a", "1"}, {"d/b", "2"}});
    const std::string id = Target::id();
    createWritable(t, id, base);
    Tree expected;
    {
        Mounted mounted(*t.driver, id);
        writeFile(mounted.path() / "c", "3");
        std::filesystem::remove(mounted.path() / "a");
        expected = readTree(mounted.path());
        mounted.put();
    }
    const auto at = t.scratch / "mounts";
    std::filesystem::create_directories(at);
    int made = 0;
    {
        const Defer unmount([&] {
            while (made-- > 0) (void)::umount2(at.c_str(), MNT_DETACH);  // scratch: removed next
        });
        made = makeMounts(t.driver->mounts(id, ""), at);
        const std::string differs = difference(expected, readTree(at));
        expect(differs.empty(), "the described mounts show another tree than get(): " + differs);
    }
    removeAll(t, {id, base});
}

void usageGrows(Target& t) {
    if (!t.driver->capabilities(t.init.home).usage) throw Skipped("the driver doesn't announce Usage");
    const std::string base = layerWith(t, {}, {{"big", std::string(4U << 20U, 'p')}});
    const std::string id = Target::id();
    createWritable(t, id, base);
    const LayerUsage before = t.driver->usage(id);
    Mounted mounted(*t.driver, id);
    writeFile(mounted.path() / "mine", std::string(1U << 20U, 'c'));
    mounted.put();
    const LayerUsage after = t.driver->usage(id);
    // A driver that copies its parents does occupy the copy; what is written on top counts once for everybody.
    const std::int64_t grown = after.bytes - before.bytes;
    expect(grown >= 1 << 20 && grown < 2 << 20, "after 1 MiB was written usage() grew by " + std::to_string(grown));
    expect(after.inodes > before.inodes, "a new file doesn't count as an inode");
    removeAll(t, {id, base});
}

void limitIsKept(Target& t) {
    if (!t.driver->capabilities(t.init.home).set_limit) throw Skipped("the driver doesn't announce SetLimit");
    const std::string id = Target::id();
    createWritable(t, id);
    t.driver->setLimit(id, 4 << 20);
    Mounted mounted(*t.driver, id);
    bool refused = false;
    try {
        writeFile(mounted.path() / "big", std::string(16U << 20U, 'x'));
    } catch (const Broken&) {
        refused = true;
    }
    mounted.put();
    removeAll(t, {id});
    expect(refused, "16 MiB went into a layer that was limited to 4 MiB");
}

void cloneIsIndependent(Target& t) {
    if (!t.driver->capabilities(t.init.home).clone) throw Skipped("the driver doesn't announce Clone");
    const std::string source = Target::id(), copy = Target::id();
    createWritable(t, source);
    {
        Mounted mounted(*t.driver, source);
        writeFile(mounted.path() / "f", "before");
        mounted.put();
    }
    t.driver->clone(copy, source);
    {
        Mounted mounted(*t.driver, copy);
        expect(contentOf(mounted.path() / "f") == "before", "the clone has another content");
        writeFile(mounted.path() / "f", "after");
        mounted.put();
    }
    {
        const Mounted mounted(*t.driver, source);
        expect(contentOf(mounted.path() / "f") == "before", "a write to the clone reached its source");
    }
    removeAll(t, {copy, source});
}

void metadataOfAnExistingLayer(Target& t) {
    const std::string id = layerWith(t, {}, {});
    (void)t.driver->metadata(id);
    removeAll(t, {id});
}

}  // namespace

Rules<StorageTarget> storageLifeRules() {
    return {
        {"status_has_names", "status() answers pairs, each with a name", &statusHasNames},
        {"created_is_empty", "a created layer exists and is empty", &createdIsEmpty},
        {"create_twice_is_conflict", "creating an existing id is a conflict and changes nothing", &createTwiceIsConflict},
        {"unknown_ids", "unknown ids: exists() is false, remove() succeeds, get(), put() and metadata() are not found", &unknownIds},
        {"unknown_parent", "a layer above an unknown parent is refused and leaves nothing", &unknownParent},
        {"bad_ids", "ids that would lead out of the driver's directory are refused", &badIds},
        {"removed_is_gone", "a removed layer is gone, removing it again succeeds, and its id can be made anew", &removedIsGone},
        {"get_counts", "get() answers the same path until as many put() as get() were called", &getCounts},
        {"remove_in_use", "removing a layer that is in use is a conflict; after put() it succeeds", &removeInUse},
        {"writable_above_parent", "a writable layer shows its parent, keeps its own changes, and shares them with nobody", &writableAboveParent},
        {"long_chain", "forty layers on top of each other show every layer's files, the newest first", &longChain},
        {"init_suffix", "ids with -init work as Docker uses them", &initSuffix},
        {"unknown_storage_option", "an unknown storage option is invalid and leaves nothing", &unknownStorageOption},
        {"metadata", "metadata() of an existing layer answers", &metadataOfAnExistingLayer},
        {"list", "list() names every layer and no removed one", &listIsComplete},
        {"mounts", "mounts() describes what get() mounts", &mountsAreWhatGetMounts},
        {"usage", "usage() grows by what is written to the layer", &usageGrows},
        {"limit", "a limited layer refuses what goes beyond its limit", &limitIsKept},
        {"clone", "a clone has its source's content and goes its own way", &cloneIsIndependent},
    };
}

}  // namespace davit::conformance
