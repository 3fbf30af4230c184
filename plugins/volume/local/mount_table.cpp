#include "mount_table.hpp"

#include <fstream>
#include <sstream>

namespace davit::local {
namespace {

// The kernel writes blank, tab, newline and backslash as \ and three octal digits.
std::string unescape(const std::string& text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\\' && at + 3 < text.size()) {
            plain += static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0'));
            at += 3;
        } else {
            plain += text[at];
        }
    }
    return plain;
}

// "36 35 98:0 /root /target rw,noatime shared:1 - ext4 /dev/sda rw"
MountEntry parseLine(const std::string& line) {
    std::istringstream words(line);
    std::string skipped, device, root, target, word;
    words >> skipped >> skipped >> device >> root >> target;
    while (words >> word && word != "-") continue;
    MountEntry entry;
    words >> entry.type;
    entry.target = unescape(target);
    entry.root = unescape(root);
    entry.device_major = static_cast<unsigned>(std::strtoul(device.c_str(), nullptr, 10));
    return entry;
}

template <typename Wanted>
std::vector<MountEntry> entriesThat(const Wanted& wanted) {
    std::vector<MountEntry> found;
    std::ifstream table("/proc/self/mountinfo");
    for (std::string line; std::getline(table, line);) {
        MountEntry entry = parseLine(line);
        if (wanted(entry)) found.push_back(std::move(entry));
    }
    return found;
}

}  // namespace

std::optional<MountEntry> mountAt(const std::filesystem::path& target) {
    auto found = entriesThat([&](const MountEntry& entry) { return entry.target == target; });
    if (found.empty()) return std::nullopt;
    return std::move(found.back());
}

std::vector<MountEntry> mountsBelow(const std::filesystem::path& directory) {
    const std::string prefix = directory.string() + "/";
    return entriesThat([&](const MountEntry& entry) { return entry.target.starts_with(prefix); });
}

}  // namespace davit::local
