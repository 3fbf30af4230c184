#include "setting.hpp"

#include <fcntl.h>

#include "base/check.hpp"
#include "base/file.hpp"

namespace davit {

bool writeSetting(const std::string& name, const std::string& value) {
    const std::string path = "/proc/sys/net/" + name;
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd && errno == ENOENT) return false;
    check(fd.get(), "open {}", path);
    check(::write(fd.get(), value.data(), value.size()), "write {} to {}", value, path);
    return true;
}

std::optional<std::string> readSetting(const std::string& name) {
    auto text = readFile("/proc/sys/net/" + name);
    while (text && !text->empty() && text->back() == '\n') text->pop_back();
    return text;
}

}  // namespace davit
