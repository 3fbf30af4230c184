#include "users.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "base/tree_walker.hpp"

namespace davit::local {
namespace {

constexpr std::string_view kPrefix = "users-";
constexpr std::size_t kLongestName = 255;  // a file's

const std::string& directoryName() {
    static const std::string name = [] {
        std::string boot = readFile("/proc/sys/kernel/random/boot_id").value_or("unknown");
        std::erase(boot, '\n');
        return std::string(kPrefix) + boot;
    }();
    return name;
}

// Ids are hexadecimal usually; others must not be paths either.
std::string fileName(const std::string& id) {
    const auto plain = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'; };
    std::string name = std::all_of(id.begin(), id.end(), plain) ? "=" + id : "~" + toHex(id);
    if (name.size() > kLongestName) throw error(Code::invalid, "the id of a mount has {} bytes", id.size());
    return name;
}

}  // namespace

Users::Users(const std::filesystem::path& volume_dir) : directory_(volume_dir / directoryName()) {}

bool Users::empty() const {
    const UniqueFd fd(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return !fd || directoryNames(fd.get()).empty();
}

bool Users::has(const std::string& id) const { return ::access((directory_ / fileName(id)).c_str(), F_OK) == 0; }

void Users::add(const std::string& id) {
    const auto file = directory_ / fileName(id);
    UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (fd || errno != ENOENT) return void(check(fd.get(), "create {}", file.string()));
    makeDirectories(directory_, 0700);
    (void)openFile(file, O_WRONLY | O_CREAT, 0600);
}

void Users::remove(const std::string& id) {
    const auto file = directory_ / fileName(id);
    if (::unlink(file.c_str()) < 0 && errno != ENOENT) throw Error::system("remove " + file.string(), errno);
}

bool Users::areForgotten(std::string_view name) { return name.starts_with(kPrefix) && name != directoryName(); }

}  // namespace davit::local
