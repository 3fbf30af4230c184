#include "conformance/volume_world.hpp"

#include <algorithm>

#include "base/id.hpp"
#include "conformance/tar.hpp"
#include "conformance/tree.hpp"

namespace davit::conformance {

std::string freshVolumeName() { return "check-" + randomId().substr(0, 16); }

TestVolume::TestVolume(VolumeTarget& target, const Options& options) : target_(target), name_(freshVolumeName()) {
    target_.driver->create(name_, options);
}

TestVolume::TestVolume(VolumeTarget& target, std::string name) : target_(target), name_(std::move(name)) {}

TestVolume::~TestVolume() {
    if (!there_) return;
    try {
        for (const std::string& id : users_) target_.driver->unmount(name_, id);
        target_.driver->remove(name_);
    } catch (...) {  // a destructor; the rule has its verdict
    }
}

std::filesystem::path TestVolume::mount(const std::string& id) {
    std::filesystem::path path = target_.driver->mount(name_, id);
    users_.push_back(id);
    return path;
}

void TestVolume::unmount(const std::string& id) {
    std::erase(users_, id);
    target_.driver->unmount(name_, id);
}

void TestVolume::remove() {
    target_.driver->remove(name_);
    there_ = false;
}

void TestVolume::write(const std::string& file, const std::string& content) {
    writeFile(mount("writer") / file, content);
    unmount("writer");
}

std::string TestVolume::read(const std::string& file) {
    std::string content = contentOf(mount("reader") / file);
    unmount("reader");
    return content;
}

bool TestVolume::has(const std::string& file) {
    const bool there = isThere(mount("looker") / file);
    unmount("looker");
    return there;
}

bool isListed(VolumeTarget& target, const std::string& name) {
    const auto all = target.driver->list();
    return std::any_of(all.begin(), all.end(), [&](const VolumeInfo& volume) { return volume.name == name; });
}

void expectRefused(const std::string& what, const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& e) {
        expect(!e.text().empty(), what + ": an error without a text");
        return;
    }
    throw Broken(what + ": succeeded");
}

void requireVolumeKill(const VolumeTarget& target) {
    if (!target.kill) throw Skipped("this target can't be killed and started again");
}

std::string exported(VolumeTarget& target, const std::string& name) {
    TextSink sink;
    target.driver->exportVolume(name, sink);
    return std::move(sink.text);
}

}  // namespace davit::conformance
