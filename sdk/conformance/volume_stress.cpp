#include <atomic>
#include <chrono>
#include <thread>

#include "conformance/tar.hpp"
#include "conformance/threads.hpp"
#include "conformance/tree.hpp"
#include "conformance/volume_world.hpp"

namespace davit::conformance {
namespace {

using Target = VolumeTarget;

constexpr int kThreads = 8;

void manyAtOnce(Target& t) {
    together(kThreads, [&t](int thread) {
        for (int round = 0; round < 4; ++round) {
            TestVolume volume(t);
            volume.write("mine", std::to_string(thread));
            expect(volume.read("mine") == std::to_string(thread), "two volumes share a file under load");
            volume.remove();
        }
    });
}

void oneVolumeManyThreads(Target& t) {
    const std::string name = freshVolumeName();
    together(kThreads, [&](int) { t.driver->create(name, {}); });
    TestVolume volume(t, name);
    volume.write("f", "shared");
    together(kThreads, [&](int thread) {
        for (int round = 0; round < 5; ++round) {
            const std::string id = std::to_string(thread) + "-" + std::to_string(round);
            const std::filesystem::path path = t.driver->mount(name, id);
            expect(contentOf(path / "f") == "shared", "a user lost the volume to another one");
            t.driver->unmount(name, id);
        }
    });
    together(kThreads, [&](int) { t.driver->remove(name); });
    expect(!t.driver->get(name).has_value(), "the volume outlived eight remove()");
}

// A driver that refuses to remove what is in use must not forget the users with its process.
bool refusesToRemove(Target& t, const std::string& name) {
    try {
        t.driver->remove(name);
    } catch (const Error& e) {
        return e.code() == Code::conflict;
    }
    t.driver->create(name, {});
    return false;
}

void usersOutliveTheDriver(Target& t) {
    requireVolumeKill(t);
    TestVolume volume(t);
    (void)volume.mount("one");
    const bool counts = refusesToRemove(t, volume.name());
    const std::filesystem::path path = volume.mount("two");
    writeFile(path / "f", "kept");
    t.kill();
    expect(t.driver->get(volume.name()).has_value() && isListed(t, volume.name()), "a volume is unknown after a kill of the driver's process");
    volume.unmount("one");
    expect(contentOf(path / "f") == "kept", "after a kill the second user lost the volume with the first");
    if (counts) expect(refusesToRemove(t, volume.name()), "the users of a volume are forgotten with the driver's process");
    expect(volume.mount("three") == path, "the mountpoint is another one after a kill");
    volume.unmount("two");
    volume.unmount("three");
    expect(volume.read("f") == "kept", "content was lost by a kill");
    volume.remove();
}

// Killed at some moment of a call: the caller repeats it, as the protocol has it.
void killedDuring(Target& t, int delay_us, const std::function<void()>& call) {
    std::thread killer([&t, delay_us] {
        std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
        t.kill();
    });
    try {
        call();
    } catch (const Error&) {  // cut off: what was done of it isn't known
    }
    killer.join();
}

void expectWhole(Target& t, const std::string& name) {
    for (const VolumeInfo& volume : t.driver->list()) {
        if (volume.name != name) continue;
        TestVolume there(t, name);
        expect(t.driver->get(name).has_value(), "list() names a volume that get() doesn't know");
        expect(readTree(there.mount()).empty(), "a volume whose creation was cut off isn't empty");
    }
}

// Later calls are cut off later.
void killInTheMiddle(Target& t) {
    requireVolumeKill(t);
    for (const int delay_us : {100, 300, 600, 900, 1300, 2000, 3000}) {
        const std::string name = freshVolumeName();
        killedDuring(t, delay_us, [&] { t.driver->create(name, {}); });
        expectWhole(t, name);
        t.driver->create(name, {});
        TestVolume volume(t, name);
        volume.write("f", "x");
        killedDuring(t, delay_us, [&] { t.driver->remove(name); });
        if (t.driver->get(name).has_value()) expect(volume.read("f") == "x", "a removal that was cut off took a part of the volume");
        volume.remove();
        expect(!t.driver->get(name).has_value() && !isListed(t, name), "a removal can't be repeated");
    }
}

void killedCopies(Target& t) {
    requireVolumeKill(t);
    const VolumeCapabilities claimed = t.driver->capabilities();
    if (!claimed.clone || !claimed.snapshot) throw Skipped("the driver doesn't announce Clone and Snapshot");
    TestVolume volume(t);
    for (int i = 0; i < 300; ++i) writeFile(volume.mount("w") / ("d" + std::to_string(i)) / "f", std::string(10000, 'f'));
    volume.unmount("w");
    const Tree whole = readTree(volume.mount());
    const std::string name = freshVolumeName();
    killedDuring(t, 4000, [&] { t.driver->clone({.source = volume.name(), .snapshot = {}, .name = name}); });
    t.driver->clone({.source = volume.name(), .snapshot = {}, .name = name});
    TestVolume clone(t, name);
    expect(difference(whole, readTree(clone.mount())).empty(), "a clone that was cut off and repeated isn't whole");
    killedDuring(t, 4000, [&] { t.driver->snapshot(volume.name(), "s", {}); });
    t.driver->snapshot(volume.name(), "s", {});
    const std::string other = freshVolumeName();
    t.driver->clone({.source = volume.name(), .snapshot = "s", .name = other});
    TestVolume second(t, other);
    expect(difference(whole, readTree(second.mount())).empty(), "a snapshot that was cut off and repeated isn't whole");
}

// An archive whose end comes only when the driver has been killed.
class KillingSource final : public ByteSource {
  public:
    KillingSource(std::string_view text, const std::function<void()>& kill) : text_(text), kill_(kill) {}
    std::size_t read(std::span<std::byte> buffer) override {
        if (given_ > text_.size() / 2 && !std::exchange(killed_, true)) kill_();
        const std::size_t got = TextSource(text_.substr(given_)).read(buffer);
        given_ += got;
        return got;
    }

  private:
    std::string_view text_;
    const std::function<void()>& kill_;
    std::size_t given_ = 0;
    bool killed_ = false;
};

void killedImport(Target& t) {
    requireVolumeKill(t);
    if (!t.driver->capabilities().transfer) throw Skipped("the driver doesn't announce Export and Import");
    TestVolume volume(t);
    std::vector<TarEntry> entries;
    for (int i = 0; i < 50; ++i) entries.push_back({.name = "n" + std::to_string(i), .content = std::string(200000, 'n')});
    const std::string tar = makeTar(entries);
    KillingSource killing(tar, t.kill);
    expectRefused("import() whose driver was killed", [&] { t.driver->importVolume(volume.name(), killing); });
    expect(readTree(volume.mount()).empty(), "an import that was cut off left something behind");
    volume.unmount();
    TextSource again(tar);
    t.driver->importVolume(volume.name(), again);
    expect(readTree(volume.mount()).size() == 50, "an import that was repeated isn't whole");
}

}  // namespace

Rules<VolumeTarget> volumeStressRules() {
    return {
        {"many_at_once", "eight threads make, use and remove volumes at once", &manyAtOnce},
        {"one_volume_many_threads", "eight threads make, use and remove the same volume", &oneVolumeManyThreads},
        {"users_outlive_the_driver", "volumes, content and users outlive the driver's process", &usersOutliveTheDriver},
        {"kill_in_the_middle", "a creation or removal that the driver's death cut off leaves the whole volume or nothing", &killInTheMiddle},
        {"killed_copies", "a clone or snapshot that was cut off can be repeated and is whole", &killedCopies},
        {"killed_import", "an import that was cut off leaves an empty volume", &killedImport},
    };
}

Rules<VolumeTarget> volumeRules() {
    Rules<VolumeTarget> all = volumeLifeRules();
    for (const auto& rules : {volumeContentRules(), volumeStressRules()}) all.insert(all.end(), rules.begin(), rules.end());
    return all;
}

}  // namespace davit::conformance
