// Mounter: mounts and unmounts in a helper process (davit-volume-mount) with a deadline, because a server that doesn't answer can
// block mount(2) and umount(2) for as long as it likes. Any thread; stateless.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "options.hpp"

namespace davit::local {

class Mounter {
  public:
    /// Throws Error{system} when the helper isn't installed.
    Mounter();

    /// Throws Docker's "failed to mount local volume: …", Error{deadline} when it takes longer than the call has time.
    void mount(const MountOptions& options, const std::filesystem::path& target) const;
    /// Mounts the file system in the file.
    void mountImage(const std::filesystem::path& image, const std::filesystem::path& target) const;
    void unmount(const std::filesystem::path& target) const;
    /// Whether something is mounted there. Doesn't ask what is mounted.
    [[nodiscard]] static bool isMounted(const std::filesystem::path& target);

  private:
    void run(std::vector<std::string> args, const std::string& doing) const;
    std::string program_;
};

/// Runs a program to its end, within the time that the call has and at most `limit`. Returns what it wrote when it fails, else
/// nothing. Throws Error{deadline}.
[[nodiscard]] std::string runWithin(const std::string& program, std::vector<std::string> args, std::chrono::milliseconds limit,
                                    const std::string& doing);

}  // namespace davit::local
