// Mounter: mounts and unmounts by davit-volume-mount, so that a server that doesn't answer delays nobody but the caller, and him no
// longer than his deadline. Nothing stays mounted of what failed. Any thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "program.hpp"

namespace davit::local {

struct Mount {
    std::string source;
    std::filesystem::path target;
    std::string type;
    std::vector<std::string> words;  ///< of "o"
};

class Mounter {
  public:
    explicit Mounter(Programs& programs) : programs_(programs) {}

    /// Throws Error{system} with the cause and Docker's text, Error{deadline}.
    void mount(const Mount& mount);
    /// New options of what is mounted.
    void remount(const Mount& mount);
    /// Lazily; what isn't mounted is fine.
    void unmount(const std::filesystem::path& target);

  private:
    Programs& programs_;
};

}  // namespace davit::local
