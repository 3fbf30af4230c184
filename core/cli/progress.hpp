// ProgressPrinter: the daemon's stream of JSON messages (load, import, pull) as lines, or as lines that change in place
// on a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace davit::cli {

class ProgressPrinter {
  public:
    /// `terminal`: whether standard output can move its cursor.
    explicit ProgressPrinter(bool terminal) : terminal_(terminal) {}

    /// Takes the next bytes of the stream. Throws Error{system} with the daemon's text for an error message.
    void feed(std::string_view bytes);

  private:
    void message(const json::Value& message);
    void inPlace(const std::string& id, const std::string& text);

    bool terminal_;
    std::string rest_;              ///< of a message that isn't complete
    std::vector<std::string> ids_;  ///< in the order of their lines on the screen
};

}  // namespace davit::cli
