// Progress: what a checking process tells the one that watches over it, so that a driver that ends or blocks the process is an outcome and
// not the end of the report. One line each: "session N TITLE", "rule N NAME", "call METHOD", "kept", "broken", "skipped", "end".
//
// One per process. Threads: any; a line is one write.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/transport.hpp"

namespace davit::plugin_check {

/// Where an earlier process got to: sessions before `session` are left out, and of that one the rules up to `rule`.
struct Resume {
    int session = 0;
    int rule = 0;
};

class Progress {
  public:
    /// Without a descriptor nothing is told.
    explicit Progress(int fd = -1, Resume resume = {}) : fd_(fd), resume_(resume) {}

    /// False: it has been done.
    [[nodiscard]] bool beginSession(std::string_view title);
    [[nodiscard]] bool beginRule(std::string_view name);
    void tell(std::string_view line) const;

  private:
    int fd_;
    Resume resume_;
    int session_ = 0;
    int rule_ = 0;
};

/// Tells of each call before it is made.
[[nodiscard]] std::shared_ptr<plugin::Transport> told(std::shared_ptr<plugin::Transport> transport, const Progress& progress);

}  // namespace davit::plugin_check
