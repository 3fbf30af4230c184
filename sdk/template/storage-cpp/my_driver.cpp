// my_driver: a layer is a directory with a full copy of its parent's. Start from here: a driver whose layers share data makes them in
// makeTree() and mounts them in get().
//
//     <home>/ID/root/     the layer's tree; a layer is there when its directory is
//
// Any method is called from any thread, several at a time, and may be repeated when the caller lost the answer. The process may be
// killed at any instruction: a layer appears and disappears by one rename. `davit plugin check` tests all of that.
#include <davit/sdk.hpp>

#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <map>
#include <mutex>
#include <system_error>

extern char** environ;

namespace {

namespace fs = std::filesystem;
using davit::Code;
using davit::Error;

// cp(1) knows owners, links, devices and extended attributes, and shares blocks where the file system can.
void copyTree(const fs::path& from, const fs::path& to) {
    const std::string source = from / ".", target = to;
    const char* const arguments[] = {"cp", "-a", "--reflink=auto", "--", source.c_str(), target.c_str(), nullptr};
    pid_t child = 0;
    if (const int failure = ::posix_spawnp(&child, "cp", nullptr, nullptr, const_cast<char* const*>(arguments), environ); failure != 0)
        throw Error(Code::system, std::string("run cp: ") + std::strerror(failure));
    int status = 0;
    pid_t ended = -1;
    while ((ended = ::waitpid(child, &status, 0)) < 0 && errno == EINTR) {}
    if (ended != child || status != 0) throw Error(Code::system, "cp of " + source + " failed; what it says is in the log");
}

class MyDriverStorage final : public davit::StorageDriver {
  public:
    static constexpr const char* kName = "my_driver";  // what users say: --storage-driver my_driver
    static constexpr const char* kDescription = "each layer a full copy";

    explicit MyDriverStorage(const davit::DriverContext& context) {
        davit::DriverConfig(context).finish();  // refuses members that weren't asked for
    }

    void init(const davit::StorageInit& request) override {
        if (!request.options.empty()) throw Error(Code::invalid, "unknown option " + request.options.front());
        const std::lock_guard lock(mutex_);
        home_ = request.home;
        fs::create_directories(home_);
        for (const auto& entry : fs::directory_iterator(home_))  // what a kill cut off
            if (std::error_code later; entry.path().filename().native().front() == '.') fs::remove_all(entry.path(), later);
    }

    davit::StorageCapabilities capabilities(const std::string& /*home*/) override {
        davit::StorageCapabilities abilities;
        abilities.list = true;
        return abilities;
    }
    std::vector<std::pair<std::string, std::string>> status() override { return {{"Home", home_}}; }

    davit::Options metadata(const std::string& id) override { return {{"Directory", existing(id)}}; }
    bool exists(const std::string& id) override { return fs::exists(pathOf(id)); }

    void create(const davit::CreateLayer& request) override {
        const fs::path layer = pathOf(request.id);
        if (!request.storage_opt.empty())
            throw Error(Code::invalid, "unknown storage option " + request.storage_opt.begin()->first);
        const fs::path parent = request.parent.empty() ? fs::path() : existing(request.parent);
        const fs::path draft = freshPath(".new-");
        try {
            makeTree(draft / "root", parent);
            const std::lock_guard lock(mutex_);
            if (fs::exists(layer)) throw Error(Code::conflict, "layer " + request.id + " exists");
            fs::rename(draft, layer);
        } catch (...) {
            fs::remove_all(draft);
            throw;
        }
    }
    void createWritable(const davit::CreateLayer& request) override { create(request); }

    void remove(const std::string& id) override {
        const fs::path layer = pathOf(id), gone = freshPath(".gone-");
        {
            const std::lock_guard lock(mutex_);
            if (users_.contains(id)) throw Error(Code::conflict, "layer " + id + " is in use");
            if (!fs::exists(layer)) return;  // a repeated request
            fs::rename(layer, gone);
        }
        fs::remove_all(gone);
    }

    // A driver that mounts does so for the first user, and unmounts after the last.
    std::string get(const std::string& id, const std::string& /*mount_label*/) override {
        const std::lock_guard lock(mutex_);
        const fs::path tree = existing(id);
        ++users_[id];
        return tree;
    }
    void put(const std::string& id) override {
        const std::lock_guard lock(mutex_);
        const auto user = users_.find(id);
        if (user == users_.end()) throw Error(Code::not_found, "layer " + id + " isn't in use");
        if (--user->second == 0) users_.erase(user);
    }
    void cleanup() override {}

    std::vector<std::string> list() override {
        std::vector<std::string> ids;
        for (const auto& entry : fs::directory_iterator(home_))
            if (const std::string name = entry.path().filename(); name.front() != '.') ids.push_back(name);
        return ids;
    }

  private:
    // An id becomes one path component, and none of the driver's own.
    fs::path pathOf(const std::string& id) const {
        if (id.empty() || id.front() == '.' || id.find_first_of(std::string_view("/\0", 2)) != std::string::npos)
            throw Error(Code::invalid, "\"" + id + "\" is no layer's id");
        return home_ / id;
    }
    fs::path existing(const std::string& id) const {
        const fs::path tree = pathOf(id) / "root";
        if (!fs::exists(tree)) throw Error(Code::not_found, "layer " + id + ": no such layer");
        return tree;
    }
    // A name that nobody has: a copy of an earlier life may still be under way in another.
    fs::path freshPath(const std::string& prefix) {
        return home_ / (prefix + std::to_string(::getpid()) + "-" + std::to_string(::time(nullptr)) + "-" + std::to_string(++drafts_));
    }
    static void makeTree(const fs::path& tree, const fs::path& parent) {
        fs::create_directories(tree);
        if (!parent.empty()) return copyTree(parent, tree);
        if (::chmod(tree.c_str(), 0755) != 0) throw Error(Code::system, "chmod " + tree.string());
    }

    fs::path home_;
    std::atomic<unsigned> drafts_ = 0;
    std::mutex mutex_;  // layers come and go, and are counted, one after the other; copies run side by side
    std::map<std::string, int> users_;
};

}  // namespace

DAVIT_PLUGIN("my_driver", "1.0", MyDriverStorage)
