// daemon.json: every fault has a reason, and a line of the file.
#include "app/daemon_config.hpp"
#include "fuzz.hpp"

DAVIT_FUZZ(data, size) {
    const std::string_view text = davit::fuzz::text(data, size);
    davit::app::DaemonConfig config;
    const auto lines = 1 + std::count(text.begin(), text.end(), '\n');
    for (const auto& fault : davit::app::applyFile(text, config))
        davit::fuzz::require(!fault.reason.empty() && fault.line >= 0 && fault.line <= lines);
}
