#include "conformance/tree.hpp"

#include <fmt/core.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <fstream>
#include <functional>
#include <iterator>

#include "base/id.hpp"
#include "conformance/rule.hpp"

namespace davit::conformance {
namespace {

namespace fs = std::filesystem;

std::string xattrsOf(const fs::path& path) {
    char names[4096];
    const ssize_t length = ::llistxattr(path.c_str(), names, sizeof names);
    std::string result;
    for (ssize_t at = 0; at < length;) {
        const std::string name(names + at);
        at += static_cast<ssize_t>(name.size()) + 1;
        if (name.find("overlay.") != std::string::npos || name == "security.selinux") continue;
        char value[1024];
        const ssize_t size = ::lgetxattr(path.c_str(), name.c_str(), value, sizeof value);
        result += fmt::format(" {}={}", name, toHex({value, static_cast<std::size_t>(size > 0 ? size : 0)}));
    }
    return result;
}

std::string describe(const fs::path& path, const struct stat& status) {
    std::string text = fmt::format("mode {:o} owner {}:{}", status.st_mode, status.st_uid, status.st_gid);
    if (S_ISREG(status.st_mode)) {
        const std::string content = contentOf(path);
        text += fmt::format(" size {} content {:x} time {}", status.st_size, std::hash<std::string>()(content),
                            status.st_mtim.tv_sec);
    } else if (S_ISLNK(status.st_mode)) {
        text += " -> " + fs::read_symlink(path).native();
    } else if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
        text += fmt::format(" device {}:{}", major(status.st_rdev), minor(status.st_rdev));
    }
    return text + xattrsOf(path);
}

}  // namespace

Tree readTree(const fs::path& root) {
    Tree tree;
    std::map<std::pair<dev_t, ino_t>, std::string> first_names;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        struct stat status {};
        if (::lstat(entry.path().c_str(), &status) != 0) throw Broken("can't look at " + entry.path().native());
        const std::string name = entry.path().lexically_relative(root).native();
        tree[name] = describe(entry.path(), status);
    }
    // In the order of names, so that two trees call the same one the first.
    for (auto& [name, text] : tree) {
        struct stat status {};
        if (::lstat((root / name).c_str(), &status) != 0 || S_ISDIR(status.st_mode) || status.st_nlink < 2) continue;
        const auto [first, added] = first_names.emplace(std::pair(status.st_dev, status.st_ino), name);
        if (!added) text += " = " + first->second;
    }
    return tree;
}

std::string difference(const Tree& expected, const Tree& seen) {
    for (const auto& [name, text] : expected) {
        const auto found = seen.find(name);
        if (found == seen.end()) return fmt::format("\"{}\" is missing", name);
        if (found->second != text) return fmt::format("\"{}\" is [{}] and should be [{}]", name, found->second, text);
    }
    for (const auto& [name, text] : seen)
        if (!expected.contains(name)) return fmt::format("\"{}\" shouldn't be there", name);
    return {};
}

void writeFile(const fs::path& path, const std::string& content) {
    fs::create_directories(path.parent_path());
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << content;
    file.close();
    if (!file) throw Broken("can't write " + path.native());
}

std::string contentOf(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Broken("can't read " + path.native());
    return {std::istreambuf_iterator<char>(file), {}};
}

bool isThere(const fs::path& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

}  // namespace davit::conformance
