#include "archive/layer_home.hpp"

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "base/tree_walker.hpp"

namespace davit::archive {
namespace fs = std::filesystem;
namespace {

constexpr const char* kLayers = "layers";
constexpr const char* kStaging = "staging";
constexpr const char* kTrash = "trash";

bool isId(const std::string& id) {
    const auto allowed = [](unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
               c == '.';
    };
    return !id.empty() && id.size() <= 200 && id[0] != '.' && std::all_of(id.begin(), id.end(), allowed);
}

fs::path madeHome(const fs::path& home) {
    if (!home.is_absolute()) throw error(Code::invalid, "storage home {}: not absolute", home.string());
    makeDirectories(home, 0711);
    return home;
}

}  // namespace

LayerHome::LayerHome(const fs::path& home, Dispose dispose)
    : home_(madeHome(home)), trash_(home_ / kTrash, std::move(dispose)) {
    for (const char* directory : {kLayers, kStaging}) makeDirectories(home_ / directory, 0711);
    const UniqueFd staging = openFile(home_ / kStaging, O_RDONLY | O_DIRECTORY);
    for (const std::string& name : directoryNames(staging.get())) trash_.take(home_ / kStaging / name);
}

fs::path LayerHome::of(const std::string& id) const {
    if (!isId(id)) throw error(Code::invalid, "invalid layer id \"{}\"", id);
    return home_ / kLayers / id;
}

bool LayerHome::has(const std::string& id) const { return ::access(of(id).c_str(), F_OK) == 0; }

fs::path LayerHome::require(const std::string& id) const {
    fs::path path = of(id);
    if (::access(path.c_str(), F_OK) < 0) throw error(Code::not_found, "layer {} does not exist", id);
    return path;
}

std::vector<std::string> LayerHome::list() const {
    auto names = directoryNames(openFile(home_ / kLayers, O_RDONLY | O_DIRECTORY).get());
    std::sort(names.begin(), names.end());
    return names;
}

void LayerHome::remove(const std::string& id) {
    (void)trash_.take(of(id));  // not there: it is gone already
}

std::unique_ptr<LayerHome::Draft> LayerHome::draft(const std::string& id) {
    if (has(id)) throw error(Code::conflict, "layer {} exists already", id);
    const fs::path path = home_ / kStaging / randomId();
    makeDirectories(path, 0711);
    return std::make_unique<Draft>(*this, path);
}

LayerHome::Draft::~Draft() {
    if (path_.empty()) return;
    try {
        (void)home_.trash_.take(path_);
    } catch (...) {  // a destructor; the next start sweeps it
    }
}

void LayerHome::Draft::publish(const std::string& id) {
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, home_.of(id).c_str(), RENAME_NOREPLACE) < 0) {
        if (errno == EEXIST) throw error(Code::conflict, "layer {} exists already", id);
        throw Error::system("create layer " + id, errno);
    }
    path_.clear();
}

LayerUses::Hold::Hold(LayerUses& uses, const std::string& id) : uses_(uses), id_(id) {
    const Lock lock(uses_.mutex_);
    Use& use = uses_.uses_[id_];  // stays in place: a map's nodes don't move, and `waiting` keeps it from being erased
    ++use.waiting;
    while (use.held) uses_.released_.wait(uses_.mutex_);
    --use.waiting;
    use.held = true;
}

LayerUses::Hold::~Hold() {
    const Lock lock(uses_.mutex_);
    const auto at = uses_.uses_.find(id_);
    at->second.held = false;
    if (at->second.waiting > 0)
        uses_.released_.notify_all();
    else if (at->second.count == 0)
        uses_.uses_.erase(at);
}

int& LayerUses::Hold::count() noexcept {
    const Lock lock(uses_.mutex_);
    return uses_.uses_.find(id_)->second.count;  // only the holder changes it
}

std::vector<std::string> LayerUses::inUse() {
    const Lock lock(mutex_);
    std::vector<std::string> ids;
    for (const auto& [id, use] : uses_)
        if (use.count > 0) ids.push_back(id);
    return ids;
}

std::pair<std::string, std::string> splitOption(const std::string& option, const std::string& driver) {
    const std::size_t equals = option.find('=');
    if (equals == std::string::npos) throw error(Code::invalid, "option {} for {}: key=value expected", option, driver);
    std::string key = option.substr(0, equals);
    std::transform(key.begin(), key.end(), key.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    if (key.starts_with(driver + ".")) key.erase(0, driver.size() + 1);
    return {key, option.substr(equals + 1)};
}

bool parseFlag(const std::string& key, const std::string& value) {
    if (value == "true" || value == "1" || value == "yes") return true;
    if (value == "false" || value == "0" || value == "no") return false;
    throw error(Code::invalid, "invalid value \"{}\" of {}: true or false expected", value, key);
}

std::int64_t parseSize(const std::string& text) {
    static constexpr std::string_view kUnits = "bkmgtp";
    std::uint64_t number = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    std::string unit(end, text.data() + text.size());
    std::transform(unit.begin(), unit.end(), unit.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    const std::size_t power = unit.empty() ? 0 : kUnits.find(unit[0]);
    const bool known =
        power != std::string_view::npos && (unit.size() < 2 || unit.substr(1) == "b" || unit.substr(1) == "ib");
    if (status != std::errc() || !known) throw error(Code::invalid, "invalid size: '{}'", text);
    if (number > (std::uint64_t{std::numeric_limits<std::int64_t>::max()} >> (10 * power)))
        throw error(Code::invalid, "invalid size: '{}' is too large", text);
    return static_cast<std::int64_t>(number << (10 * power));
}

}  // namespace davit::archive
