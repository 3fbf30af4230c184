// A driver that notes its calls, fails or hangs on demand, and a controller on a directory of its own.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "base/file.hpp"
#include "volume/controller.hpp"

namespace davit::volume::test {

/// Any thread: tests of waiting call it from several.
class FakeDriver final : public VolumeDriver {
  public:
    explicit FakeDriver(std::filesystem::path directory) : directory_(std::move(directory)) {}

    void create(const std::string& name, const Options& options) override {
        note("Create", name);
        const Lock lock(mutex_);
        options_[name] = options;
        makeDirectories(directory_ / name, 0755);
    }
    void remove(const std::string& name) override {
        note("Remove", name);
        const Lock lock(mutex_);
        options_.erase(name);
        std::filesystem::remove_all(directory_ / name);
    }
    std::string mount(const std::string& name, const std::string& id) override {
        note("Mount", name);
        const Lock lock(mutex_);
        mounts_[name].insert(id);
        return directory_ / name;
    }
    void unmount(const std::string& name, const std::string& id) override {
        note("Unmount", name);
        const Lock lock(mutex_);
        mounts_[name].erase(id);
    }
    std::string path(const std::string& name) override { return directory_ / name; }
    std::optional<VolumeInfo> get(const std::string& name) override {
        note("Get", name);
        const Lock lock(mutex_);
        if (!options_.contains(name)) return std::nullopt;
        return VolumeInfo{.name = name, .mountpoint = directory_ / name, .created_at = "2026-01-01T00:00:00Z", .status_json = R"({"a":1})"};
    }
    std::vector<VolumeInfo> list() override {
        note("List", "");
        const Lock lock(mutex_);
        std::vector<VolumeInfo> all;
        for (const auto& [name, options] : options_) all.push_back({.name = name, .mountpoint = directory_ / name});
        return all;
    }
    VolumeCapabilities capabilities() override { return can; }
    void snapshot(const std::string& name, const std::string& snapshot, const Options&) override { note("Snapshot", name + "@" + snapshot); }
    void clone(const CloneVolume& request) override {
        note("Clone", request.source + ">" + request.name);
        const Lock lock(mutex_);
        options_[request.name] = options_[request.source];
        makeDirectories(directory_ / request.name, 0755);
    }
    void resize(const std::string& name, std::int64_t size) override { note("Resize", fmt::format("{} {}", name, size)); }
    void rename(const std::string& name, const std::string& new_name) override {
        note("Rename", name + ">" + new_name);
        const Lock lock(mutex_);
        options_[new_name] = options_[name];
        options_.erase(name);
        std::filesystem::rename(directory_ / name, directory_ / new_name);
    }

    [[nodiscard]] bool has(const std::string& name) {
        const Lock lock(mutex_);
        return options_.contains(name);
    }
    [[nodiscard]] std::size_t users(const std::string& name) {
        const Lock lock(mutex_);
        return mounts_[name].size();
    }
    [[nodiscard]] long count(const std::string& call) {
        const Lock lock(mutex_);
        return std::count(calls_.begin(), calls_.end(), call);
    }
    /// From now on calls of `method` wait until release(), or throw.
    void hold(const std::string& method) {
        const Lock lock(mutex_);
        held_ = method;
    }
    void release() {
        {
            const Lock lock(mutex_);
            held_.clear();
        }
        changed_.notify_all();
    }
    void fail(const std::string& method, Code code = Code::system) {
        const Lock lock(mutex_);
        fails_ = method;
        code_ = code;
    }

    VolumeCapabilities can{.snapshot = true, .clone = true, .resize = true, .rename = true};

  private:
    void note(const std::string& method, const std::string& argument) {
        const Lock lock(mutex_);
        calls_.push_back(argument.empty() ? method : method + " " + argument);
        while (held_ == method) changed_.wait(mutex_);
        if (fails_ == method) throw error(code_, "{} fails", method);
    }

    std::filesystem::path directory_;
    Mutex mutex_;
    Condition changed_;
    std::map<std::string, Options> options_;
    std::map<std::string, std::set<std::string>> mounts_;
    std::vector<std::string> calls_;
    std::string held_;
    std::string fails_;
    Code code_ = Code::system;
};

class FakeSource final : public DriverSource {
  public:
    std::map<std::string, std::shared_ptr<FakeDriver>> drivers;
    std::set<std::string> own_names;
    std::set<std::string> dead;  ///< volumeNow() and volume() throw
    std::set<std::string> other_kind;

    void expect(const std::string&) override {}
    std::shared_ptr<VolumeDriver> volume(const std::string& name) override {
        const auto found = drivers.find(name);
        if (dead.contains(name)) throw error(Code::unavailable, "{} doesn't answer", name);
        if (found == drivers.end()) throw error(Code::not_found, "plugin \"{}\" not found", name);
        return found->second;
    }
    bool isOwn(const std::string& name) override { return own_names.contains(name); }
    std::vector<std::string> own() override { return {own_names.begin(), own_names.end()}; }
    std::vector<std::string> others() override {
        std::vector<std::string> names;
        for (const auto& [name, driver] : drivers)
            if (!isOwn(name)) names.push_back(name);
        names.insert(names.end(), other_kind.begin(), other_kind.end());
        return names;
    }
    std::shared_ptr<VolumeDriver> volumeNow(const std::string& name) override {
        return other_kind.contains(name) ? nullptr : volume(name);
    }
};

/// "here" is one of our own and the default; "there" is somebody else's.
struct Fixture {
    TempDir directory;
    FakeSource source;
    std::shared_ptr<FakeDriver> here = std::make_shared<FakeDriver>(directory.path() / "here");
    std::shared_ptr<FakeDriver> there = std::make_shared<FakeDriver>(directory.path() / "there");
    std::unique_ptr<state::Database> database;
    std::unique_ptr<VolumeController> controller;

    Fixture() {
        source.drivers = {{"here", here}, {"there", there}};
        source.own_names = {"here"};
        start();
    }
    /// As after a kill: what isn't in rows or drivers is forgotten.
    void start(bool salvage = false) {
        controller.reset();
        database.reset();
        database = std::make_unique<state::Database>(state::DatabaseOptions{
            .path = directory.path() / "state.db", .schemas = {VolumeController::schema()}, .make_space = {}});
        controller = std::make_unique<VolumeController>(ControllerOptions{.default_driver = "here"}, *database, source);
        controller->restore(salvage);
        controller->finish();
    }
    Volume make(const std::string& name, const std::string& driver = {}, const std::string& user = {}) {
        return controller->create({.name = name, .driver = driver, .options = {}, .labels = {}}, user).volume;
    }
    [[nodiscard]] std::vector<std::string> names() {
        std::vector<std::string> all;
        for (const Volume& volume : controller->list().volumes) all.push_back(volume.name);
        return all;
    }
    template <typename F>
    static std::string refusal(F&& f, Code code) {
        try {
            f();
            return "accepted";
        } catch (const Error& failure) {
            return failure.code() == code ? failure.text() : fmt::format("code {}: {}", static_cast<int>(failure.code()), failure.text());
        }
    }
};

}  // namespace davit::volume::test
