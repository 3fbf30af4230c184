#include "options.hpp"

#include <algorithm>

#include "archive/layer_home.hpp"
#include "base/check.hpp"

namespace davit::local {
namespace {

bool isAlphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool hasGoodLetters(const std::string& name) {
    return !name.empty() && name.size() <= 255 && isAlphanumeric(name.front()) &&
           std::all_of(name.begin(), name.end(), [](char c) { return isAlphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

std::int64_t parseCount(const std::string& key, const std::string& text) {
    const bool digits = !text.empty() && text.size() < 18 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits || text == "0") throw error(Code::invalid, "invalid value for {}: \"{}\"", key, text);
    return std::stoll(text);
}

std::int64_t parseBytes(const std::string& text) {
    const std::int64_t bytes = archive::parseSize(text);
    if (bytes <= 0) throw error(Code::invalid, "invalid value for size: \"{}\"", text);
    return bytes;
}

void addWord(std::string& words, const std::string& word) { words += (words.empty() ? "" : ",") + word; }

bool isBind(const std::string& words) {
    const std::string padded = "," + words + ",";
    return padded.find(",bind,") != std::string::npos || padded.find(",rbind,") != std::string::npos;
}

}  // namespace

VolumeOptions parseOptions(const Options& options) {
    VolumeOptions result;
    for (const auto& [key, value] : options) {
        if (key == "type") result.mount.type = value;
        else if (key == "o") result.mount.words = value;
        else if (key == "device") result.mount.device = value;
        else if (key == "size") result.limits.bytes = parseBytes(value);
        else if (key == "inodes") result.limits.inodes = parseCount(key, value);
        else throw error(Code::invalid, "invalid option: \"{}\"", key);
    }
    MountOptions& mount = result.mount;
    if (!mount.any() && mount.words.empty()) return result;
    if (mount.device.empty()) throw error(Code::invalid, "missing required option: \"device\"");
    if (mount.type.empty() && !isBind(mount.words)) throw error(Code::invalid, "missing required option: \"type\"");
    if (!result.limits.any()) return result;
    if (mount.type != "tmpfs")
        throw error(Code::invalid, "size and inodes bound volumes of this host's own disk, or of type tmpfs, not those of type \"{}\"",
                    mount.type);
    if (result.limits.bytes != 0) addWord(mount.words, "size=" + std::to_string(result.limits.bytes));
    if (result.limits.inodes != 0) addWord(mount.words, "nr_inodes=" + std::to_string(result.limits.inodes));
    return result;
}

void checkName(const std::string& name) {
    if (name.size() == 1 && hasGoodLetters(name))
        throw error(Code::invalid, "volume name is too short, names should be at least two alphanumeric characters");
    if (hasGoodLetters(name)) return;
    throw error(Code::invalid, "\"{}\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. "
                "If you intended to pass a host directory, use absolute path", name);
}

void checkSnapshotName(const std::string& name) {
    if (!hasGoodLetters(name))
        throw error(Code::invalid, "\"{}\" includes invalid characters for a snapshot's name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed", name);
}

}  // namespace davit::local
