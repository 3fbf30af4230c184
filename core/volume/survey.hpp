// Survey: asks the drivers that others run which volumes they have, all at once, and doesn't let one that hangs delay what names
// another.
//
// Whoever answered promptly the last time is waited for, at most kPatience. Whoever didn't, or was never asked, gets kGrace; what
// it answers later counts the next time. While a question is under way no second one is asked.
//
// Threads: any. Destruction waits for the questions under way, each of which has a deadline of its own.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "volume/driver_source.hpp"

namespace davit::volume {

class Survey {
  public:
    static constexpr std::chrono::milliseconds kPatience{2000};
    static constexpr std::chrono::milliseconds kGrace{60};

    struct Answer {
        std::string driver;
        std::string scope = "local";
        std::vector<VolumeInfo> volumes;
        std::string failure;  ///< not empty: it gave no list, and why
    };

    explicit Survey(DriverSource& drivers);
    Survey(const Survey&) = delete;
    Survey& operator=(const Survey&) = delete;
    ~Survey();

    /// One answer of each of drivers.others() that is a volume driver or hasn't said what it is.
    [[nodiscard]] std::vector<Answer> ask();

  private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

}  // namespace davit::volume
