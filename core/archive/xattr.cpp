#include "archive/xattr.hpp"

#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/check.hpp"

namespace davit::archive {
namespace {

std::string procPath(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

// Calls get(buffer, size) with growing buffers until the value fits.
template <typename Get>
std::optional<std::string> fetch(Get get) {
    std::string value(512, '\0');
    for (;;) {
        const ssize_t size = get(value.data(), value.size());
        if (size >= 0) {
            value.resize(static_cast<std::size_t>(size));
            return value;
        }
        if (errno != ERANGE) return std::nullopt;
        const ssize_t needed = get(nullptr, 0);
        if (needed < 0) return std::nullopt;
        value.resize(static_cast<std::size_t>(needed) + 1);
    }
}

bool absent(int code) {
    return code == ENODATA || code == EOPNOTSUPP || code == ENOENT || code == EPERM || code == EACCES;
}

}  // namespace

std::optional<std::string> readXattr(int fd, const std::string& attribute) {
    const std::string path = procPath(fd);
    auto value =
        fetch([&](char* data, std::size_t size) { return ::getxattr(path.c_str(), attribute.c_str(), data, size); });
    if (!value && !absent(errno)) throw Error::system("read attribute " + attribute, errno);
    return value;
}

Xattrs readXattrs(int fd) {
    const std::string path = procPath(fd);
    const auto list = fetch([&](char* data, std::size_t size) { return ::listxattr(path.c_str(), data, size); });
    if (!list && !absent(errno)) throw Error::system("list attributes", errno);
    Xattrs all;
    if (!list) return all;
    for (std::size_t at = 0; at < list->size();) {
        const std::string attribute = list->c_str() + at;
        at += attribute.size() + 1;
        if (auto value = readXattr(fd, attribute)) all.emplace(attribute, std::move(*value));
    }
    return all;
}

bool writeXattr(int fd, const std::string& attribute, const std::string& value) {
    const std::string path = procPath(fd);
    if (::setxattr(path.c_str(), attribute.c_str(), value.data(), value.size(), 0) == 0) return true;
    // EPERM: the kernel gives user.* to regular files and directories only.
    if (errno == EOPNOTSUPP || (errno == EPERM && attribute.starts_with("user."))) return false;
    throw Error::system(fmt::format("set attribute {}", attribute), errno);
}

bool portableXattr(const std::string& attribute) {
    static constexpr std::array<std::string_view, 9> kLocal = {
        "trusted.overlay.",  "user.overlay.",    "security.selinux", "security.ima", "security.evm",
        "security.apparmor", "security.SMACK64", "system.nfs4_acl",  "btrfs."};
    return std::none_of(kLocal.begin(), kLocal.end(),
                        [&](std::string_view prefix) { return attribute.starts_with(prefix); });
}

}  // namespace davit::archive
