#include <atomic>
#include <mutex>
#include <utility>

#include "conformance/storage_suite.hpp"
#include "conformance/tar.hpp"
#include "conformance/threads.hpp"
#include "conformance/tree.hpp"

namespace davit::conformance {
namespace {

using Target = StorageTarget;

void manyFiles(Target& t) {
    std::vector<TarEntry> entries;
    for (int d = 0; d < 40; ++d) {
        entries.push_back({.name = "d" + std::to_string(d), .type = '5', .mode = 0755});
        for (int f = 0; f < 100; ++f)
            entries.push_back({.name = "d" + std::to_string(d) + "/f" + std::to_string(f), .content = std::to_string(f)});
    }
    std::string deep;
    for (int i = 0; i < 200; ++i) entries.push_back({.name = deep += (i == 0 ? "deep" : "/x"), .type = '5', .mode = 0755});
    entries.push_back({.name = deep + "/bottom", .content = "here"});
    const std::string id = Target::id();
    createLayer(t, id);
    (void)apply(t, id, {}, makeTar(entries));
    Mounted mounted(*t.driver, id);
    const std::size_t seen = readTree(mounted.path()).size();
    expect(seen == entries.size(), std::to_string(entries.size()) + " entries were applied and " + std::to_string(seen) + " are there");
    mounted.put();
    removeAll(t, {id});
}

void concurrentLives(Target& t) {
    const std::string base = layerWith(t, {}, {{"f", "base"}});
    together(8, [&](int thread) {
        for (int round = 0; round < 5; ++round) {
            const std::string id = Target::id();
            createWritable(t, id, base);
            Mounted mounted(*t.driver, id);
            writeFile(mounted.path() / "mine", std::to_string(thread));
            expect(contentOf(mounted.path() / "f") == "base", "a layer lost its parent under load");
            expect(contentOf(mounted.path() / "mine") == std::to_string(thread), "two layers share a file under load");
            mounted.put();
            t.driver->remove(id);
        }
    });
    removeAll(t, {base});
}

void oneIdManyThreads(Target& t) {
    for (int round = 0; round < 5; ++round) {
        const std::string id = Target::id();
        std::atomic<int> made{0};
        together(8, [&](int) {
            try {
                createWritable(t, id);
                ++made;
            } catch (const Error& e) {
                if (e.code() != Code::conflict) throw;
            }
        });
        expect(made == 1, std::to_string(made) + " of eight create() of one id succeeded");
        together(8, [&](int) { t.driver->remove(id); });
        expect(!t.driver->exists(id), "the layer outlived eight remove()");
    }
}

void countsUnderLoad(Target& t) {
    const std::string id = Target::id();
    createWritable(t, id);
    together(8, [&](int) {
        for (int round = 0; round < 10; ++round) {
            const std::string path = t.driver->get(id, "");
            expect(isThere(path), "the path of a get() is gone before its put()");
            t.driver->put(id);
        }
    });
    expectError(Code::not_found, "a put() after as many put() as get()", [&] { t.driver->put(id); });
    removeAll(t, {id});
}

void concurrentApply(Target& t) {
    const std::string base = layerWith(t, {}, {{"f", "base"}});
    std::vector<std::string> ids(4);
    for (std::string& id : ids) createLayer(t, id = Target::id(), base);
    std::atomic<bool> skipped{false};
    together(4, [&](int i) {
        try {
            (void)apply(t, ids[static_cast<std::size_t>(i)], base,
                        makeTar({{.name = "n", .content = std::string(1000000, static_cast<char>('a' + i))}}));
        } catch (const Skipped&) {
            skipped = true;
        }
    });
    for (std::size_t i = 0; i < ids.size() && !skipped; ++i) {
        const Mounted mounted(*t.driver, ids[i]);
        expect(contentOf(mounted.path() / "n") == std::string(1000000, static_cast<char>('a' + i)), "archives applied at once were mixed up");
    }
    removeAll(t, ids);
    removeAll(t, {base});
    if (skipped) throw Skipped("GraphDriver.ApplyDiff is left to the engine");
}

void restartKeepsLayers(Target& t) {
    if (!t.kill_and_restart) throw Skipped("this target can't be killed and started again");
    const std::string base = layerWith(t, {}, {{"f", "base"}}), id = Target::id();
    createWritable(t, id, base);
    Mounted mounted(*t.driver, id);
    writeFile(mounted.path() / "mine", "kept");
    mounted.put();
    t.kill_and_restart();
    expect(t.driver->exists(id) && t.driver->exists(base), "a layer is unknown after a restart");
    Mounted again(*t.driver, id);
    expect(contentOf(again.path() / "mine") == "kept" && contentOf(again.path() / "f") == "base", "content was lost by a restart");
    again.put();
    removeAll(t, {id, base});
}

void killWhileMounted(Target& t) {
    if (!t.kill_and_restart) throw Skipped("this target can't be killed and started again");
    const std::string id = Target::id();
    createWritable(t, id);
    (void)t.driver->get(id, "");
    t.kill_and_restart();
    const std::string path = t.driver->get(id, "");
    writeFile(std::filesystem::path(path) / "f", "x");
    t.driver->put(id);
    try {
        t.driver->put(id);  // a driver may or may not count what its earlier life had mounted
    } catch (const Error& e) {
        if (e.code() != Code::not_found) throw;
    }
    t.driver->remove(id);
    expect(!t.driver->exists(id), "a layer that was mounted when the driver was killed can't be removed");
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

void killInTheMiddle(Target& t) {
    if (!t.kill_and_restart || !t.kill) throw Skipped("this target can't be killed and started again");
    const std::string base = layerWith(t, {}, {{"f", "base"}}), id = Target::id();
    createLayer(t, id, base);
    std::vector<TarEntry> entries;
    for (int i = 0; i < 50; ++i) entries.push_back({.name = "n" + std::to_string(i), .content = std::string(200000, 'n')});
    const std::string tar = makeTar(entries);
    bool failed = false;
    try {
        KillingSource source(tar, t.kill);
        (void)t.driver->applyDiff(id, base, source);
    } catch (const Error&) {
        failed = true;
    }
    t.kill_and_restart();
    expect(failed, "applyDiff() succeeded although its driver was killed");
    expect(t.driver->exists(base), "another layer is unknown after the kill");
    t.driver->remove(id);
    expect(!t.driver->exists(id), "the half-written layer can't be removed");
    createLayer(t, id, base);
    (void)apply(t, id, base, tar);
    Mounted mounted(*t.driver, id);
    expect(readTree(mounted.path()).size() == 51, "the layer that was made again isn't whole");
    mounted.put();
    removeAll(t, {id, base});
}

void cleanupKeepsLayers(Target& t) {
    const std::string id = layerWith(t, {}, {{"f", "x"}});
    t.driver->cleanup();
    t.driver->cleanup();
    Mounted mounted(*t.driver, id);
    expect(contentOf(mounted.path() / "f") == "x", "cleanup() lost a layer's content");
    mounted.put();
    removeAll(t, {id});
}

}  // namespace

Rules<StorageTarget> storageStressRules() {
    return {
        {"many_files", "4000 files and 200 directories inside each other are all there", &manyFiles},
        {"concurrent_lives", "eight threads make, use and remove layers at once", &concurrentLives},
        {"one_id_many_threads", "of eight simultaneous create() of one id exactly one succeeds", &oneIdManyThreads},
        {"counts_under_load", "get() and put() from eight threads keep the count", &countsUnderLoad},
        {"concurrent_apply", "archives that are applied at once don't mix", &concurrentApply},
        {"restart", "layers and their content outlive the driver's process", &restartKeepsLayers},
        {"kill_while_mounted", "a layer that was mounted when the driver was killed can be used and removed", &killWhileMounted},
        {"kill_in_the_middle", "a driver that is killed in applyDiff() comes back, and the half layer can be removed and made again", &killInTheMiddle},
        {"cleanup", "cleanup() may be repeated and loses nothing", &cleanupKeepsLayers},
    };
}

Rules<StorageTarget> storageRules() {
    Rules<StorageTarget> all = storageLifeRules();
    for (const auto& rules : {storageContentRules(), storageStressRules()}) all.insert(all.end(), rules.begin(), rules.end());
    return all;
}

}  // namespace davit::conformance
