#include "cli/progress.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"
#include "cli/cli.hpp"

namespace davit::cli {

void ProgressPrinter::feed(std::string_view bytes) {
    rest_ += bytes;
    for (std::size_t end; (end = rest_.find('\n')) != std::string::npos;) {
        const std::string line = rest_.substr(0, end);
        rest_.erase(0, end + 1);
        if (line.find_first_not_of(" \r\t") != std::string::npos) message(json::Document::parse(line).root());
    }
}

void ProgressPrinter::message(const json::Value& message) {
    const std::string failure = message["errorDetail"]["message"].string(message["error"].string());
    if (!failure.empty()) throw Error(Code::system, failure);
    if (message["stream"]) {
        printOut(message["stream"].string());
        ids_.clear();
        return;
    }
    const std::string id = message["id"].string();
    const std::string status = message["status"].string();
    const std::string progress = message["progress"].string();
    if (status.empty()) return;
    if (terminal_ && !id.empty()) return inPlace(id, status + (progress.empty() ? "" : " " + progress));
    if (!progress.empty()) return;  // a moving bar is nothing for a file
    printOut((id.empty() ? "" : id + ": ") + status + "\n");
    ids_.clear();
}

void ProgressPrinter::inPlace(const std::string& id, const std::string& text) {
    auto at = std::find(ids_.begin(), ids_.end(), id);
    if (at == ids_.end()) {
        ids_.push_back(id);
        printOut("\n");
        at = ids_.end() - 1;
    }
    const auto up = ids_.end() - at;
    printOut(fmt::format("\x1b[{0}A\r\x1b[2K{1}: {2}\x1b[{0}B\r", up, id, text));
}

}  // namespace davit::cli
