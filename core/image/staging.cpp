#include "image/staging.hpp"

#include <vector>

#include "archive/tar_reader.hpp"
#include "base/check.hpp"
#include "image/compression.hpp"
#include "image/file_stream.hpp"

namespace davit::image {
namespace {

constexpr std::size_t kMaxMembers = 20'000;
constexpr int kMaxLinks = 8;

/// A link's target as a name: relative to its directory, or for hard links from the archive's root.
std::string linkName(const archive::TarEntry& entry) {
    if (entry.kind == archive::TarEntry::Kind::hardlink) return cleanMemberName(entry.link_target);
    const std::size_t slash = entry.path.rfind('/');
    const std::string directory = slash == std::string::npos ? std::string() : entry.path.substr(0, slash + 1);
    return cleanMemberName(directory + entry.link_target);
}

}  // namespace

std::string cleanMemberName(std::string_view name) {
    std::vector<std::string_view> parts;
    while (!name.empty()) {
        const std::size_t slash = name.find('/');
        const std::string_view part = name.substr(0, slash);
        name.remove_prefix(slash == std::string_view::npos ? name.size() : slash + 1);
        if (part.empty() || part == ".") continue;
        if (part != "..") {
            parts.push_back(part);
        } else if (parts.empty()) {
            return {};
        } else {
            parts.pop_back();
        }
    }
    std::string clean;
    for (const std::string_view part : parts) clean.append(clean.empty() ? "" : "/").append(part);
    return clean;
}

Staging::Staging(ByteSource& archive, const std::filesystem::path& temporary_directory)
    : directory_(temporary_directory, "load-") {
    using Kind = archive::TarEntry::Kind;
    const auto plain = decompress(archive);
    archive::TarReader reader(*plain);
    while (const archive::TarEntry* entry = reader.next()) {
        const std::string name = cleanMemberName(entry->path);
        if (name.empty()) continue;
        if (members_.size() >= kMaxMembers) throw Error(Code::invalid, "invalid archive: too many members");
        Member member;
        if (entry->kind == Kind::regular) {
            member.file = directory_.path() / std::to_string(members_.size());
            FileSink out(member.file);
            (void)copyStream(reader.content(), out);
        } else if (entry->kind == Kind::symlink || entry->kind == Kind::hardlink) {
            member.link = linkName(*entry);
        } else {
            continue;
        }
        members_[name] = std::move(member);  // the last one counts, as when a tar is unpacked
    }
    reader.drain();
}

bool Staging::has(std::string_view name) const { return members_.contains(cleanMemberName(name)); }

std::filesystem::path Staging::file(std::string_view name) const {
    std::string at = cleanMemberName(name);
    for (int links = 0; links < kMaxLinks; ++links) {
        const auto found = members_.find(at);
        if (found == members_.end()) break;
        if (!found->second.file.empty()) return found->second.file;
        at = found->second.link;
    }
    throw error(Code::invalid, "invalid archive: \"{}\" is not in the archive", name);
}

std::string Staging::text(std::string_view name, std::size_t limit) const {
    return readFile(file(name), limit).value();
}

}  // namespace davit::image
