#include "volume/volume.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace davit::volume {
namespace {

constexpr std::size_t kLongestName = 255;

bool hasDotDot(std::string_view name) {
    while (true) {
        const std::size_t slash = name.find('/');
        if (name.substr(0, slash) == "..") return true;
        if (slash == std::string_view::npos) return false;
        name.remove_prefix(slash + 1);
    }
}

}  // namespace

void checkName(const std::string& name) {
    const bool printable = std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    if (!name.empty() && name.size() <= kLongestName && printable && !hasDotDot(name)) return;
    // Docker's text, which it has from its local driver; a name with such characters is nobody's.
    throw error(Code::invalid,
                "create {0}: \"{0}\" includes invalid characters for a local volume name, only "
                "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path",
                printable ? name.substr(0, kLongestName) : "?");
}

}  // namespace davit::volume
