#include "plugin_check_progress.hpp"

#include <fmt/format.h>

#include "base/file.hpp"

namespace davit::plugin_check {
namespace {

class ToldTransport final : public plugin::Transport {
  public:
    ToldTransport(std::shared_ptr<plugin::Transport> transport, const Progress& progress)
        : transport_(std::move(transport)), progress_(progress) {}
    std::string call(const plugin::Call& call) override {
        progress_.tell(fmt::format("call {}", call.method));
        return transport_->call(call);
    }

  private:
    const std::shared_ptr<plugin::Transport> transport_;
    const Progress& progress_;
};

}  // namespace

bool Progress::beginSession(std::string_view title) {
    ++session_;
    rule_ = 0;
    if (session_ < resume_.session) return false;
    tell(fmt::format("session {} {}", session_, title));
    return true;
}

bool Progress::beginRule(std::string_view name) {
    ++rule_;
    if (session_ == resume_.session && rule_ <= resume_.rule) return false;
    tell(fmt::format("rule {} {}", rule_, name));
    return true;
}

void Progress::tell(std::string_view line) const {
    if (fd_ < 0) return;
    const std::string text = std::string(line) + "\n";
    try {
        writeAll(fd_, text);
    } catch (const Error&) {  // who doesn't listen any more has ended
    }
}

std::shared_ptr<plugin::Transport> told(std::shared_ptr<plugin::Transport> transport, const Progress& progress) {
    return std::make_shared<ToldTransport>(std::move(transport), progress);
}

}  // namespace davit::plugin_check
