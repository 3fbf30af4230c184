// A whole volume plugin in C++: every volume is a directory below one root, and nothing else. It shows the shape of a
// driver: a constructor that reads the configuration, methods that may be repeated, state that survives a restart because
// it is the directories themselves.
#include <davit/sdk.hpp>

#include <filesystem>

namespace {

namespace fs = std::filesystem;
using davit::Code;
using davit::Error;

class DirVolumes final : public davit::VolumeDriver {
  public:
    static constexpr const char* kName = "dir";
    static constexpr const char* kDescription = "volumes as plain directories";

    explicit DirVolumes(const davit::DriverContext& context) : context_(context) {
        davit::DriverConfig config(context);
        root_ = config.string("Root", "/var/lib/davit-dir-volumes");
        config.finish();
        if (!root_.is_absolute()) throw Error(Code::invalid, "Root: " + root_.string() + " is no absolute path");
        fs::create_directories(root_);
    }

    void create(const std::string& name, const davit::Options& options) override {
        const fs::path path = pathOf(name);
        if (!options.empty()) throw Error(Code::invalid, "volume " + name + ": unknown option " + options.begin()->first);
        fs::create_directory(path);
        context_.log(davit::LogLevel::debug, "created volume " + name);
    }

    void remove(const std::string& name) override {
        fs::remove_all(pathOf(name));
    }

    // Nothing is mounted, so there are no users to count: the engine knows them, and removes no volume that is in use. A driver
    // that mounts something keeps the ids of mount() on disk, for its process may end and the mount stays.
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
            if (entry.is_directory()) result.push_back({.name = entry.path().filename(), .mountpoint = entry.path(), .created_at = {}});
        return result;
    }

  private:
    // A name becomes a path component: nothing that could lead out of the root.
    fs::path pathOf(const std::string& name) const {
        if (name.empty() || name == "." || name == ".." || name.find_first_of(std::string_view("/\0", 2)) != std::string::npos)
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
};

}  // namespace

DAVIT_PLUGIN("dir", "1.0", DirVolumes)
