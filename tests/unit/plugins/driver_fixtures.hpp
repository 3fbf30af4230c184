// What the storage drivers' tests share: ids, calls with few words, file systems on loop devices.
#pragma once

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "archive/fixtures.hpp"
#include "base/process.hpp"
#include "davit/context.hpp"
#include "driver/storage_driver.hpp"

namespace davit {

/// "1" becomes an id of 64 digits.
inline std::string layerId(const std::string& digit) {
    std::string id;
    while (id.size() < 64) id += digit;
    return id.substr(0, 64);
}

/// Whether the directory, whose entries are deleted in the background, gets empty.
inline bool becomesEmpty(const std::filesystem::path& directory) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!std::filesystem::is_empty(directory)) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        ::usleep(1000);
    }
    return true;
}

template <class Driver>
struct Driven {
    explicit Driven(const std::filesystem::path& home, std::vector<std::string> options = {}) {
        driver.init({.home = home.string(), .options = std::move(options), .uid_maps = {}, .gid_maps = {}});
    }
    ~Driven() { driver.cleanup(); }
    Driven(const Driven&) = delete;
    Driven& operator=(const Driven&) = delete;

    void layer(const std::string& id, const std::string& parent, const std::string& tar) {
        driver.create(
            {.id = layerId(id), .parent = parent.empty() ? "" : layerId(parent), .mount_label = {}, .storage_opt = {}});
        archive::StringSource source(tar);
        driver.applyDiff(layerId(id), parent.empty() ? "" : layerId(parent), source);
    }
    void writable(const std::string& id, const std::string& parent, Options storage_opt = {}) {
        driver.createWritable({.id = layerId(id),
                               .parent = parent.empty() ? "" : layerId(parent),
                               .mount_label = {},
                               .storage_opt = std::move(storage_opt)});
    }
    std::filesystem::path get(const std::string& id) { return driver.get(layerId(id), ""); }
    void put(const std::string& id) { driver.put(layerId(id)); }
    std::string diff(const std::string& id, const std::string& parent) {
        archive::StringSink sink;
        driver.diff(layerId(id), parent.empty() ? "" : layerId(parent), sink);
        return sink.text;
    }
    std::string changes(const std::string& id, const std::string& parent) {
        std::string text;
        for (const auto& change : driver.changes(layerId(id), parent.empty() ? "" : layerId(parent)))
            text += std::string(1, "CAD"[static_cast<int>(change.kind)]) + change.path + " ";
        return text;
    }

    Driver driver{DriverContext()};
};

inline bool runProgram(const std::string& program, std::vector<std::string> args) {
    args.insert(args.begin(), program);
    auto child = ChildProcess::spawn(
        {.program = program, .args = args, .env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, .inherit = {}});
    return child.wait()->dockerCode() == 0;
}

/// A file system of its own on a loop device, unmounted and given back at the end.
class LoopFileSystem {
  public:
    LoopFileSystem(const std::string& type, std::vector<std::string> mkfs_options, const std::string& mount_options,
                   std::int64_t size = 300LL << 20) {
        const std::string image = (dir_.path() / "image").string();
        makeDirectories(mounted(), 0755);
        const UniqueFd backing = openFile(image, O_RDWR | O_CREAT, 0600);
        check(::ftruncate(backing.get(), size), "size the image");
        mkfs_options.push_back(image);
        if (!runProgram("/usr/sbin/mkfs." + type, mkfs_options)) return;
        const UniqueFd control = openFile("/dev/loop-control", O_RDWR);
        const std::string name =
            fmt::format("/dev/loop{}", check(::ioctl(control.get(), LOOP_CTL_GET_FREE), "find a loop device"));
        loop_ = openFile(name, O_RDWR);
        check(::ioctl(loop_.get(), LOOP_SET_FD, backing.get()), "set up {}", name);
        works_ = ::mount(name.c_str(), mounted().c_str(), type.c_str(), 0, mount_options.c_str()) == 0;
    }
    ~LoopFileSystem() {
        if (works_) (void)::umount2(mounted().c_str(), MNT_DETACH);
        if (loop_) (void)::ioctl(loop_.get(), LOOP_CLR_FD);
    }
    LoopFileSystem(const LoopFileSystem&) = delete;
    LoopFileSystem& operator=(const LoopFileSystem&) = delete;
    /// False: this host can't (no such mkfs, no such file system).
    [[nodiscard]] bool works() const { return works_; }
    [[nodiscard]] std::filesystem::path mounted() const { return dir_.path() / "mnt"; }

  private:
    TempDir dir_;
    UniqueFd loop_;
    bool works_ = false;
};

}  // namespace davit
