#include "options.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "archive/layer_home.hpp"
#include "base/check.hpp"

namespace davit::local {
namespace {

constexpr std::size_t kLongestName = 255;  // a file's

// Nothing that is about one of the first without the others.
constexpr std::array<std::pair<const char*, const char*>, 4> kNeeds{{{"type", "device"}, {"device", "type"}, {"o", "device"}, {"o", "type"}}};

bool isAlphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool isName(const std::string& name) {
    return !name.empty() && name.size() <= kLongestName && isAlphanumeric(name[0]) &&
           std::all_of(name.begin(), name.end(), [](char c) { return isAlphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

std::string valueOf(const Options& given, const std::string& key) {
    const auto found = given.find(key);
    return found == given.end() ? std::string() : found->second;
}

std::vector<std::string> splitWords(const std::string& text) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        if (end > at) words.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

std::int64_t parseInodes(const std::string& text) {
    std::int64_t number = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (status != std::errc() || end != text.data() + text.size() || number < 0) throw error(Code::invalid, "invalid number of inodes: '{}'", text);
    return number;
}

void checkKeys(const Options& given) {
    for (const auto& [key, value] : given)
        if (key != "type" && key != "o" && key != "device" && key != "size" && key != "inodes")
            throw error(Code::invalid, "invalid option: \"{}\"", key);
    for (const auto& [key, needed] : kNeeds)
        if (given.contains(key) && !given.contains(needed)) throw error(Code::invalid, "missing required option: \"{}\"", needed);
}

bool isLimitWord(const std::string& word) {
    return word.starts_with("size=") || word.starts_with("nr_blocks=") || word.starts_with("nr_inodes=");
}

}  // namespace

VolumeOptions parseOptions(const Options& given) {
    checkKeys(given);
    VolumeOptions options{
        .type = valueOf(given, "type"), .device = valueOf(given, "device"), .words = splitWords(valueOf(given, "o")), .limits = {}};
    if (given.contains("type") && options.type.empty()) options.type = "none";
    if (given.contains("size")) options.limits.size = archive::parseSize(given.at("size"));
    if (given.contains("inodes")) options.limits.inodes = parseInodes(given.at("inodes"));
    if (!options.limits.any() || !options.foreign()) return options;
    if (!options.inMemory()) throw error(Code::invalid, "size and inodes limit volumes without a type and those of type tmpfs: this one is {}", options.type);
    if (std::any_of(options.words.begin(), options.words.end(), isLimitWord))
        throw Error(Code::invalid, "the limit of a tmpfs stands in its option \"o\" or in size and inodes, not in both");
    return options;
}

std::vector<std::string> mountWords(const VolumeOptions& options, const Limits& limits) {
    std::vector<std::string> words = options.words;
    if (!options.inMemory()) return words;
    if (limits.any()) std::erase_if(words, isLimitWord);  // it has been resized since
    if (limits.size > 0) words.push_back(fmt::format("size={}", limits.size));
    if (limits.inodes > 0) words.push_back(fmt::format("nr_inodes={}", limits.inodes));
    return words;
}

bool isVolumeName(const std::string& name) noexcept { return name.size() > 1 && isName(name); }

void checkVolumeName(const std::string& name) {
    if (name.size() == 1) throw Error(Code::invalid, "volume name is too short, names should be at least two alphanumeric characters");
    if (!isName(name))
        throw error(Code::invalid,
                    "\"{}\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. "
                    "If you intended to pass a host directory, use absolute path",
                    name);
}

void checkSnapshotName(const std::string& name) {
    if (!isName(name)) throw error(Code::invalid, "\"{}\" is no name of a snapshot, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed", name);
}

}  // namespace davit::local
