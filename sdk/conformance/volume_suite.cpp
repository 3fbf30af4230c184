#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/id.hpp"
#include "conformance/other_suites.hpp"
#include "conformance/tar.hpp"
#include "conformance/tree.hpp"

namespace davit::conformance {
namespace {

using Target = VolumeTarget;

std::string freshName() { return "check-" + randomId().substr(0, 16); }

void createdIsThere(Target& t) {
    const std::string name = freshName();
    t.driver->create(name, {});
    const auto info = t.driver->get(name);
    expect(info.has_value(), "get() doesn't know a volume that was created");
    expect(info->name == name, "get() answers another name: " + info->name);
    expect(info->created_at.empty() || parseRfc3339(info->created_at).has_value(), "CreatedAt is no RFC 3339 time: " + info->created_at);
    const auto all = t.driver->list();
    expect(std::any_of(all.begin(), all.end(), [&](const VolumeInfo& v) { return v.name == name; }), "list() lacks a volume that was created");
    t.driver->remove(name);
}

void createTwice(Target& t) {
    const std::string name = freshName();
    t.driver->create(name, {});
    const std::string path = t.driver->mount(name, "1");
    writeFile(std::filesystem::path(path) / "kept", "x");
    t.driver->create(name, {});
    expect(isThere(std::filesystem::path(path) / "kept"), "the second create() lost the volume's content");
    std::filesystem::remove(std::filesystem::path(path) / "kept");
    t.driver->unmount(name, "1");
    t.driver->remove(name);
}

void removeTwice(Target& t) {
    const std::string name = freshName();
    t.driver->create(name, {});
    t.driver->remove(name);
    expect(!t.driver->get(name).has_value(), "get() still knows a removed volume");
    for (const auto& volume : t.driver->list()) expect(volume.name != name, "list() still names a removed volume");
    t.driver->remove(name);
}

void unknownNames(Target& t) {
    const std::string name = freshName();
    expect(!t.driver->get(name).has_value(), "get() of an unknown name answers a volume");
    for (const auto& ask : {std::function<void()>([&] { (void)t.driver->mount(name, "1"); }), std::function<void()>([&] { (void)t.driver->path(name); })}) {
        bool refused = false;
        try {
            ask();
        } catch (const Error&) {
            refused = true;
        }
        expect(refused, "mount() or path() of an unknown name succeeds");
    }
}

void badNames(Target& t) {
    for (const std::string& name : {std::string(), std::string("../escape"), std::string("a/b"), std::string("..")}) {
        bool refused = false;
        try {
            t.driver->create(name, {});
        } catch (const Error&) {
            refused = true;
        }
        expect(refused, "create() took the name \"" + name + "\"");
    }
}

void unknownOptions(Target& t) {
    const std::string name = freshName();
    bool refused = false;
    try {
        t.driver->create(name, {{"no-such-option-at-all", "1"}});
        t.driver->remove(name);
    } catch (const Error&) {
        refused = true;
    }
    expect(refused, "create() took an unknown option in silence");
    expect(!t.driver->get(name).has_value(), "the refused volume exists");
}

void mountsAreCounted(Target& t) {
    const std::string name = freshName();
    t.driver->create(name, {});
    const std::string first = t.driver->mount(name, "one");
    struct stat status {};
    expect(::stat(first.c_str(), &status) == 0 && S_ISDIR(status.st_mode), "the mountpoint isn't a directory: " + first);
    expect(t.driver->mount(name, "two") == first, "a second user got another mountpoint");
    expect(t.driver->mount(name, "one") == first, "mount() with the same id again isn't the same mountpoint");
    expect(t.driver->path(name) == first, "path() differs from mount()");
    writeFile(std::filesystem::path(first) / "f", "x");
    t.driver->unmount(name, "one");
    expect(isThere(std::filesystem::path(first) / "f"), "the first unmount() took the volume from the second user");
    std::filesystem::remove(std::filesystem::path(first) / "f");
    t.driver->unmount(name, "two");
    t.driver->unmount(name, "two");
    t.driver->remove(name);
}

void contentStays(Target& t) {
    const std::string name = freshName();
    t.driver->create(name, {});
    writeFile(std::filesystem::path(t.driver->mount(name, "1")) / "f", "content");
    t.driver->unmount(name, "1");
    const std::filesystem::path again = t.driver->mount(name, "2");
    expect(contentOf(again / "f") == "content", "content was lost between two uses");
    std::filesystem::remove(again / "f");
    t.driver->unmount(name, "2");
    t.driver->remove(name);
}

void capabilitiesAreSound(Target& t) {
    const std::string scope = t.driver->capabilities().scope;
    expect(scope == "local" || scope == "global", "the scope is \"" + scope + "\"");
}

void manyAtOnce(Target& t) {
    std::atomic<int> failures{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            try {
                const std::string name = freshName();
                t.driver->create(name, {});
                (void)t.driver->mount(name, "1");
                t.driver->unmount(name, "1");
                t.driver->remove(name);
            } catch (const std::exception&) {  // a thread's entry
                ++failures;
            }
        });
    for (auto& thread : threads) thread.join();
    expect(failures == 0, std::to_string(failures) + " of eight volumes failed when made at once");
}

void usageAnswers(Target& t) {
    if (!t.driver->capabilities().usage) throw Skipped("the driver doesn't announce Usage");
    const std::string name = freshName();
    t.driver->create(name, {});
    const auto usage = t.driver->usage(name);
    t.driver->remove(name);
    expect(usage.size >= -1 && usage.inodes >= -1, "usage() answers nonsense");
}

void snapshotsWork(Target& t) {
    if (!t.driver->capabilities().snapshot) throw Skipped("the driver doesn't announce Snapshot");
    const std::string name = freshName();
    t.driver->create(name, {});
    t.driver->snapshot(name, "s1", {});
    const auto all = t.driver->listSnapshots(name);
    expect(all.size() == 1 && all.front().name == "s1", "listSnapshots() doesn't name the one snapshot");
    t.driver->removeSnapshot(name, "s1");
    expect(t.driver->listSnapshots(name).empty(), "a removed snapshot is still listed");
    t.driver->remove(name);
}

void transferWorks(Target& t) {
    if (!t.driver->capabilities().transfer) throw Skipped("the driver doesn't announce Export and Import");
    const std::string from = freshName(), to = freshName();
    t.driver->create(from, {});
    t.driver->create(to, {});
    writeFile(std::filesystem::path(t.driver->mount(from, "1")) / "d" / "f", "travelled");
    t.driver->unmount(from, "1");
    TextSink sink;
    t.driver->exportVolume(from, sink);
    TextSource source(sink.text);
    t.driver->importVolume(to, source);
    const std::filesystem::path path = t.driver->mount(to, "1");
    expect(contentOf(path / "d" / "f") == "travelled", "an exported file isn't there after import");
    t.driver->unmount(to, "1");
    t.driver->remove(from);
    t.driver->remove(to);
}

}  // namespace

Rules<VolumeTarget> volumeRules() {
    return {
        {"created_is_there", "a created volume is known to get() and list()", &createdIsThere},
        {"create_twice", "creating a volume again succeeds and keeps its content", &createTwice},
        {"remove_twice", "a removed volume is gone, and removing it again succeeds", &removeTwice},
        {"unknown_names", "unknown names: get() answers none, mount() and path() refuse", &unknownNames},
        {"bad_names", "names that would lead out of the driver's directory are refused", &badNames},
        {"unknown_options", "unknown options are refused and leave nothing", &unknownOptions},
        {"mounts_are_counted", "users are counted by id; repeating mount() or unmount() changes nothing", &mountsAreCounted},
        {"content_stays", "content stays between two uses", &contentStays},
        {"capabilities", "the scope is local or global", &capabilitiesAreSound},
        {"many_at_once", "eight volumes can be made, used and removed at once", &manyAtOnce},
        {"usage", "usage() answers", &usageAnswers},
        {"snapshots", "snapshots can be made, listed and removed", &snapshotsWork},
        {"transfer", "what is exported can be imported", &transferWorks},
    };
}

}  // namespace davit::conformance
