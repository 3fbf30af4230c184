#include "plugin/caller.hpp"

#include <filesystem>

namespace davit::plugin {

void throwRefusal(const wire::Refusal& refusal) {
    if (refusal.code == 0) throw ForeignError(refusal.text);
    throw Error(static_cast<Code>(refusal.code), refusal.text, refusal.sys_errno);
}

std::string checkedPath(std::string_view method, std::string path) {
    const std::filesystem::path parsed(path);
    bool clean = parsed.is_absolute() && path.find('\0') == std::string::npos;
    for (const auto& component : parsed) clean = clean && component != ".." && component != ".";
    if (!clean) throw Error(Code::invalid, std::string(method) + ": \"" + path + "\" is no clean absolute path");
    return path;
}

}  // namespace davit::plugin
