// my_driver: a volume is a directory below one root. Start from here: what makes your volumes yours goes into create(),
// remove(), mount() and unmount().
//
// Any method is called from any thread, several at a time, and may be repeated when the caller lost the answer. What a
// method answered for must still be known after the process was killed; here the directories themselves are the state.
// `davit plugin check` tests all of that.
#include <davit/sdk.hpp>

#include <filesystem>
#include <mutex>

namespace {

namespace fs = std::filesystem;
using davit::Code;
using davit::Error;

class MyDriverVolumes final : public davit::VolumeDriver {
  public:
    static constexpr const char* kName = "my_driver";  // what users say: --driver my_driver
    static constexpr const char* kDescription = "volumes as plain directories";

    explicit MyDriverVolumes(const davit::DriverContext& context) : context_(context) {
        davit::DriverConfig config(context);
        root_ = config.string("Root", context.stateDirectory());  // the host's gift unless configured
        config.finish();                                          // refuses members that weren't asked for
        if (!root_.is_absolute()) throw Error(Code::invalid, "Root: " + root_.string() + " is no absolute path");
        fs::create_directories(root_);
    }

    void create(const std::string& name, const davit::Options& options) override {
        const fs::path path = pathOf(name);
        if (!options.empty())
            throw Error(Code::invalid, "volume " + name + ": unknown option " + options.begin()->first);
        const std::lock_guard lock(mutex_);
        fs::create_directory(path);
        context_.log(davit::LogLevel::debug, "created volume " + name);
    }

    void remove(const std::string& name) override {
        const std::lock_guard lock(mutex_);
        fs::remove_all(pathOf(name));
    }

    // Nothing is mounted, so there are no users to count: the engine knows them, and removes no volume that is in use. A
    // driver that mounts something keeps the ids of mount() on disk, for its process may end and the mount stays.
    std::string mount(const std::string& name, const std::string& /*id*/) override { return existing(name); }
    void unmount(const std::string& /*name*/, const std::string& /*id*/) override {}

    std::string path(const std::string& name) override { return existing(name); }

    std::optional<davit::VolumeInfo> get(const std::string& name) override {
        if (!fs::is_directory(pathOf(name))) return std::nullopt;
        return davit::VolumeInfo{.name = name, .mountpoint = pathOf(name), .created_at = {}};
    }

    std::vector<davit::VolumeInfo> list() override {
        std::vector<davit::VolumeInfo> result;
        for (const auto& entry : fs::directory_iterator(root_))
            if (entry.is_directory())
                result.push_back({.name = entry.path().filename(), .mountpoint = entry.path(), .created_at = {}});
        return result;
    }

  private:
    // A name becomes a path component: nothing that could lead out of the root.
    fs::path pathOf(const std::string& name) const {
        if (name.empty() || name == "." || name == ".." ||
            name.find_first_of(std::string_view("/\0", 2)) != std::string::npos)
            throw Error(Code::invalid, "\"" + name + "\" is no volume name");
        return root_ / name;
    }
    std::string existing(const std::string& name) const {
        const fs::path path = pathOf(name);
        if (!fs::is_directory(path)) throw Error(Code::not_found, "volume " + name + ": no such volume");
        return path;
    }

    davit::DriverContext context_;
    fs::path root_;
    std::mutex mutex_;  // creations and removals follow each other
};

}  // namespace

DAVIT_PLUGIN("my_driver", "1.0", MyDriverVolumes)
