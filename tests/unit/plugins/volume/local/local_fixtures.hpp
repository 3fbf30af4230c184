// What the tests of the volume driver share: a driver on a root of its own that must leave nothing mounted, no loop device and no
// process.
#pragma once

#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <memory>

#include "base/tree_walker.hpp"
#include "local/local_driver.hpp"
#include "local/mount_table.hpp"
#include "plugins/driver_fixtures.hpp"

namespace davit::local {

/// The codes of errors, for BOOST_CHECK_EXCEPTION.
inline auto withCode(Code code) {
    return [code](const Error& e) { return e.code() == code; };
}
inline auto withText(std::string text) {
    return [text = std::move(text)](const Error& e) {
        const bool has = e.text().find(text) != std::string::npos;
        if (!has) BOOST_TEST_MESSAGE("the error is: " << e.text());
        return has;
    };
}

/// How many loop devices have a file of that inode; a deleted one counts.
inline int loopsOf(const std::filesystem::path& directory) {
    int count = 0;
    for (const std::string& name : directoryNames(openFile("/sys/block", O_RDONLY | O_DIRECTORY).get())) {
        const auto backing = readFile("/sys/block/" + name + "/loop/backing_file");
        if (backing && backing->starts_with(directory.string() + "/")) ++count;
    }
    return count;
}

inline bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        ::usleep(2000);
    }
    return true;
}

class LocalVolumes {
  public:
    LocalVolumes() : LocalVolumes(std::make_shared<TempDir>("/var/tmp")) {}
    /// On another file system.
    explicit LocalVolumes(const std::filesystem::path& parent) : root_(parent / "volumes") { restart(); }
    LocalVolumes(const LocalVolumes&) = delete;
    LocalVolumes& operator=(const LocalVolumes&) = delete;
    ~LocalVolumes() {
        driver_.reset();
        BOOST_TEST(mountsBelow(root_).empty());
        BOOST_TEST(eventually([&] { return loopsOf(root_) == 0; }));
        BOOST_TEST((::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD), "a process is left");
    }

    /// As after the end of the process.
    void restart() {
        driver_.reset();
        driver_ = std::make_unique<LocalVolumeDriver>(DriverContext(R"({"Root": ")" + root_.string() + "\"}"));
    }
    LocalVolumeDriver* operator->() { return driver_.get(); }
    [[nodiscard]] const std::filesystem::path& root() const { return root_; }
    [[nodiscard]] std::filesystem::path data(const std::string& name) const { return root_ / name / "_data"; }
    [[nodiscard]] bool isMounted(const std::string& name) const { return mountAt(data(name)).has_value(); }
    std::string status(const std::string& name) { return driver_->get(name).value_or(VolumeInfo()).status_json; }

  private:
    explicit LocalVolumes(std::shared_ptr<TempDir> dir) : dir_(std::move(dir)), root_(dir_->path() / "volumes") { restart(); }
    std::shared_ptr<TempDir> dir_;
    std::filesystem::path root_;
    std::unique_ptr<LocalVolumeDriver> driver_;
};

}  // namespace davit::local
