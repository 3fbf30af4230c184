#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/file.hpp"
#include "conformance/tar.hpp"
#include "conformance/tree.hpp"
#include "conformance/volume_world.hpp"

namespace davit::conformance {
namespace {

namespace fs = std::filesystem;
using Target = VolumeTarget;

void createdIsThere(Target& t) {
    const TestVolume volume(t);
    const auto info = t.driver->get(volume.name());
    expect(info.has_value(), "get() doesn't know a volume that was created");
    expect(info->name == volume.name(), "get() answers another name: " + info->name);
    expect(info->created_at.empty() || parseRfc3339(info->created_at).has_value(), "CreatedAt is no RFC 3339 time: " + info->created_at);
    expect(isListed(t, volume.name()), "list() lacks a volume that was created");
}

void createTwice(Target& t) {
    TestVolume volume(t);
    const fs::path path = volume.mount();
    writeFile(path / "kept", "x");
    t.driver->create(volume.name(), {});
    expect(isThere(path / "kept"), "the second create() lost the volume's content");
}

void removeTwice(Target& t) {
    TestVolume volume(t);
    volume.remove();
    expect(!t.driver->get(volume.name()).has_value(), "get() still knows a removed volume");
    expect(!isListed(t, volume.name()), "list() still names a removed volume");
    t.driver->remove(volume.name());
}

void namesAreFreeAgain(Target& t) {
    const std::string name = freshVolumeName();
    for (int round = 0; round < 3; ++round) {
        t.driver->create(name, {});
        TestVolume volume(t, name);
        expect(!volume.has("f"), "a new volume has the content of a removed one of its name");
        volume.write("f", "x");
        volume.remove();
    }
}

void unknownNames(Target& t) {
    const std::string name = freshVolumeName();
    expect(!t.driver->get(name).has_value(), "get() of an unknown name answers a volume");
    expectRefused("mount() of an unknown name", [&] { (void)t.driver->mount(name, "1"); });
    expectRefused("path() of an unknown name", [&] { (void)t.driver->path(name); });
}

void badNames(Target& t) {
    for (const std::string& name : {std::string(), std::string("../escape"), std::string("a/b"), std::string(".."), std::string("."), std::string("/abs"),
                                    std::string("check-a\0b", 9), std::string(300, 'n')}) {
        const std::string shown = name.find('\0') == std::string::npos ? "the name \"" + name + "\"" : "a name with a zero byte";
        expectRefused("create() of " + shown, [&] { t.driver->create(name, {}); });
        expect(!isListed(t, name), "list() names a volume that was refused: " + shown);
    }
}

void unknownOptions(Target& t) {
    const std::string name = freshVolumeName();
    expectRefused("create() with an unknown option", [&] {
        t.driver->create(name, {{"no-such-option-at-all", "1"}});
        t.driver->remove(name);
    });
    expect(!t.driver->get(name).has_value(), "the refused volume exists");
}

void mountsAreCounted(Target& t) {
    TestVolume volume(t);
    const std::string first = volume.mount("one");
    expect(volume.mount("two") == first, "a second user got another mountpoint");
    expect(t.driver->mount(volume.name(), "one") == first, "mount() with the same id again isn't the same mountpoint");
    expect(t.driver->path(volume.name()) == first, "path() differs from mount()");
    writeFile(fs::path(first) / "f", "x");
    volume.unmount("one");
    t.driver->unmount(volume.name(), "one");
    expect(isThere(fs::path(first) / "f"), "the first unmount() took the volume from the second user");
    volume.unmount("two");
    t.driver->unmount(volume.name(), "two");
    volume.remove();
}

void inUse(Target& t) {
    TestVolume volume(t);
    const fs::path path = volume.mount();
    writeFile(path / "f", "x");
    try {
        volume.remove();
    } catch (const Error& e) {
        // Docker's servers have texts and no codes: theirs arrive as "system".
        expect(e.code() == Code::conflict || e.code() == Code::system, "remove() of a volume in use is refused, but not as a conflict: " + e.text());
        expect(isThere(path / "f") && t.driver->get(volume.name()).has_value(), "remove() was refused and took something away");
        volume.unmount();
        return volume.remove();
    }
    throw Skipped("remove() leaves it to the engine to keep what is in use");
}

void mountpointIsSound(Target& t) {
    TestVolume volume(t), other(t);
    const fs::path path = volume.mount();
    struct stat status {};
    expect(path.is_absolute() && path.lexically_normal() == path, "the mountpoint is no clean absolute path: " + path.native());
    expect(::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode), "the mountpoint isn't a directory: " + path.native());
    for (const char* odd : {"/proc", "/sys", "/dev"}) expect(!path.native().starts_with(odd), "the mountpoint is below " + std::string(odd));
    expect(path != path.root_path(), "the mountpoint is the root of the host");
    expect(other.mount() != path, "two volumes have one mountpoint");
    const std::string shown = t.driver->get(volume.name()).value_or(VolumeInfo()).mountpoint;
    expect(shown.empty() || shown == path, "get() shows another mountpoint than mount(): " + shown);
}

void capabilitiesAreSound(Target& t) {
    const std::string scope = t.driver->capabilities().scope;
    expect(scope == "local" || scope == "global", "the scope is \"" + scope + "\"");
}

// Whether the method is there: what else it says doesn't matter.
bool answers(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& e) {
        return e.code() != Code::unimplemented;
    }
    return true;
}

void capabilitiesAreTrue(Target& t) {
    const VolumeCapabilities claimed = t.driver->capabilities();
    const TestVolume volume(t);
    VolumeDriver& d = *t.driver;
    const std::string& name = volume.name();
    const std::string copy = freshVolumeName(), renamed = freshVolumeName();
    TextSink sink;
    TextSource source(makeTar({}));
    const auto compare = [&](const std::string& method, bool announced, const std::function<void()>& call) {
        const bool there = answers(call);
        expect(there == announced, method + (announced ? " is announced and unimplemented" : " works and isn't announced"));
    };
    compare("Snapshot", claimed.snapshot, [&] { d.snapshot(name, "s1", {}); });
    compare("ListSnapshots", claimed.snapshot, [&] { (void)d.listSnapshots(name); });
    compare("RemoveSnapshot", claimed.snapshot, [&] { d.removeSnapshot(name, "s1"); });
    compare("Clone", claimed.clone, [&] { d.clone({.source = name, .snapshot = {}, .name = copy}); });
    compare("Resize", claimed.resize, [&] { d.resize(name, 64 << 20); });
    compare("Usage", claimed.usage, [&] { (void)d.usage(name); });
    compare("Export", claimed.transfer, [&] { d.exportVolume(name, sink); });
    compare("Import", claimed.transfer, [&] { d.importVolume(name, source); });
    compare("Rename", claimed.rename, [&] { d.rename(name, renamed); });
    for (const std::string& made : {copy, renamed}) d.remove(made);
}

void renames(Target& t) {
    if (!t.driver->capabilities().rename) throw Skipped("the driver doesn't announce Rename");
    TestVolume volume(t), other(t);
    volume.write("f", "kept");
    expectRefused("rename() to a name that another volume has", [&] { t.driver->rename(volume.name(), other.name()); });
    expectRefused("rename() to \"../escape\"", [&] { t.driver->rename(volume.name(), "../escape"); });
    expectRefused("rename() of an unknown volume", [&] { t.driver->rename(freshVolumeName(), freshVolumeName()); });
    const std::string name = freshVolumeName();
    (void)volume.mount();
    expectRefused("rename() of a volume in use", [&] { t.driver->rename(volume.name(), name); });
    volume.unmount();
    t.driver->rename(volume.name(), name);
    TestVolume renamed(t, name);
    expect(!t.driver->get(volume.name()).has_value(), "the old name is still known");
    expect(isListed(t, name), "list() lacks the new name");
    expect(renamed.read("f") == "kept", "rename() lost content");
    t.driver->rename(volume.name(), name);
}

// As a container's process would: root's own rights go beyond the quotas of some file systems.
std::size_t writeWithoutResourceRights(const fs::path& file, std::size_t bytes) {
    std::size_t written = 0;
    std::thread([&] {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct data[2] = {};
        if (::syscall(SYS_capget, &header, data) == 0) {
            data[0].effective &= ~(1U << CAP_SYS_RESOURCE);
            (void)::syscall(SYS_capset, &header, data);
        }
        const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        const std::string piece(1 << 20, 'x');
        while (fd && written < bytes) {
            const ssize_t put = ::write(fd.get(), piece.data(), piece.size());
            if (put <= 0 || ::fsync(fd.get()) != 0) return;
            written += static_cast<std::size_t>(put);
        }
    }).join();
    return written;
}

void limits(Target& t) {
    const auto size = t.options.find("size");
    if (size == t.options.end()) throw Skipped("no --option size=BYTES was given");
    const std::size_t limit = std::stoul(size->second);
    TestVolume volume(t, t.options);
    const fs::path path = volume.mount();
    const std::size_t written = writeWithoutResourceRights(path / "big", 2 * limit);
    expect(written <= limit, std::to_string(written) + " bytes were written into a volume of " + std::to_string(limit));
    expect(written >= limit / 2, "only " + std::to_string(written) + " bytes fit into a volume of " + std::to_string(limit));
    const auto info = t.driver->get(volume.name());
    expect(info && info->status_json.size() > 2, "get() says nothing of the limit");
    fs::remove(path / "big");
    if (!t.driver->capabilities().resize) return;
    writeFile(path / "kept", "x");
    volume.unmount();
    t.driver->resize(volume.name(), static_cast<std::int64_t>(4 * limit));
    expect(writeWithoutResourceRights(volume.mount() / "big", limit + limit / 2) > limit, "resize() let the volume not grow");
    expect(volume.read("kept") == "x", "resize() lost content");
}

}  // namespace

Rules<VolumeTarget> volumeLifeRules() {
    return {
        {"created_is_there", "a created volume is known to get() and list()", &createdIsThere},
        {"create_twice", "creating a volume again succeeds and keeps its content", &createTwice},
        {"remove_twice", "a removed volume is gone, and removing it again succeeds", &removeTwice},
        {"names_are_free_again", "a volume of a removed one's name is a new one", &namesAreFreeAgain},
        {"unknown_names", "unknown names: get() answers none, mount() and path() refuse", &unknownNames},
        {"bad_names", "names that would lead out of the driver's directory are refused", &badNames},
        {"unknown_options", "unknown options are refused and leave nothing", &unknownOptions},
        {"mounts_are_counted", "users are counted by id; repeating mount() or unmount() changes nothing", &mountsAreCounted},
        {"in_use", "remove() of a volume in use is a conflict and takes nothing away", &inUse},
        {"mountpoint", "a mountpoint is a directory of its own, absolute and clean", &mountpointIsSound},
        {"capabilities", "the scope is local or global", &capabilitiesAreSound},
        {"capabilities_are_true", "what is announced is there, and what isn't is unimplemented", &capabilitiesAreTrue},
        {"rename", "a volume gets a new name with its content; names in use and volumes in use are refused", &renames},
        {"limits", "a volume takes no more than its size, and more after resize()", &limits},
    };
}

}  // namespace davit::conformance
