#include "image/member_set.hpp"

#include <algorithm>

namespace davit::image {
namespace {

constexpr std::string_view kWhiteout = ".wh.";

std::uint64_t hashOf(std::string_view path) {
    std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
    for (const char c : path) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return hash;
}

/// "./a//b/" -> "a/b"; std::nullopt with a ".." in it.
std::optional<std::string> plain(std::string_view path) {
    std::string result;
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view part = path.substr(0, slash);
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
        if (part.empty() || part == ".") continue;
        if (part == "..") return std::nullopt;
        if (!result.empty()) result += '/';
        result += part;
    }
    return result;
}

}  // namespace

void MemberSet::addParents(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return;
    std::string_view parent = path.substr(0, slash);
    if (parent == last_parent_) return;  // members of one directory come together
    last_parent_ = parent;
    for (;;) {
        entries_.push_back({hashOf(parent), true});
        const std::size_t next = parent.rfind('/');
        if (next == std::string_view::npos) return;
        parent = parent.substr(0, next);
    }
}

std::optional<std::string> MemberSet::add(std::string_view path, Role role) {
    auto known = plain(path);
    if (!known || known->empty()) return std::nullopt;
    addParents(*known);
    const std::size_t slash = known->rfind('/');
    const std::size_t name_at = slash == std::string::npos ? 0 : slash + 1;
    const bool whiteout = std::string_view(*known).substr(name_at).starts_with(kWhiteout);
    if (whiteout) known->erase(name_at, kWhiteout.size());
    entries_.push_back({hashOf(*known), role == Role::directory && !whiteout});
    if (whiteout || role != Role::file) return std::nullopt;
    return known;
}

bool MemberSet::hide() {
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.hash < b.hash; });
    for (std::size_t i = 1; i < entries_.size(); ++i) {
        const bool same = entries_[i].hash == entries_[i - 1].hash;
        if (same && !(entries_[i].directory && entries_[i - 1].directory)) return true;
    }
    return false;
}

}  // namespace davit::image
