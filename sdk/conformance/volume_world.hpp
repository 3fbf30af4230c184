// What the volume suite checks with: volumes of a target that are unmounted and removed at the end of their rule.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "conformance/other_suites.hpp"

namespace davit::conformance {

/// A name that no volume has.
[[nodiscard]] std::string freshVolumeName();

/// Created now, removed at the end with its users. One thread.
class TestVolume {
  public:
    explicit TestVolume(VolumeTarget& target, const Options& options = {});
    /// Takes over one that was made otherwise.
    TestVolume(VolumeTarget& target, std::string name);
    TestVolume(const TestVolume&) = delete;
    TestVolume& operator=(const TestVolume&) = delete;
    ~TestVolume();
    std::filesystem::path mount(const std::string& id = "user");
    void unmount(const std::string& id = "user");
    /// remove() with its errors; the destructor has nothing to do then.
    void remove();
    /// Writes a file as a user of the volume.
    void write(const std::string& file, const std::string& content);
    /// Reads one as a user of the volume.
    [[nodiscard]] std::string read(const std::string& file);
    [[nodiscard]] bool has(const std::string& file);
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

  private:
    VolumeTarget& target_;
    std::string name_;
    std::vector<std::string> users_;
    bool there_ = true;
};

/// Whether list() names the volume.
[[nodiscard]] bool isListed(VolumeTarget& target, const std::string& name);

/// Breaks the rule unless the call throws an Error with a text.
void expectRefused(const std::string& what, const std::function<void()>& call);

void requireVolumeKill(const VolumeTarget& target);

/// The archive of a volume's content.
[[nodiscard]] std::string exported(VolumeTarget& target, const std::string& name);

}  // namespace davit::conformance
