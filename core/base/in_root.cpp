#include "base/in_root.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <string>

#include "base/check.hpp"

namespace davit {
namespace {

constexpr std::size_t kPiece = 4000;  // below PATH_MAX

UniqueFd openAt2(int dir_fd, const std::string& path, int flags, unsigned mode, std::uint64_t resolve) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
    how.mode = mode;
    how.resolve = resolve | RESOLVE_NO_MAGICLINKS;
    // EAGAIN: a rename elsewhere made the kernel doubt a ".." on the way; the next try mostly succeeds.
    for (int attempt = 0;; ++attempt) {
        const long fd = ::syscall(SYS_openat2, dir_fd, path.empty() ? "." : path.c_str(), &how, sizeof how);
        if (fd >= 0) return UniqueFd(static_cast<int>(fd));
        if (errno != EAGAIN || attempt == 128) return {};
    }
}

}  // namespace

UniqueFd tryOpenInRoot(int root_fd, std::string_view path, int flags, unsigned mode) {
    while (path.starts_with('/')) path.remove_prefix(1);
    UniqueFd at;
    std::uint64_t resolve = RESOLVE_IN_ROOT;
    while (path.size() > kPiece) {
        const std::size_t cut = path.rfind('/', kPiece);
        if (cut == std::string_view::npos) break;
        UniqueFd next =
            openAt2(at ? at.get() : root_fd, std::string(path.substr(0, cut)), O_PATH | O_DIRECTORY, 0, resolve);
        if (!next) return {};
        at = std::move(next);
        path.remove_prefix(cut + 1);
        resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    }
    return openAt2(at ? at.get() : root_fd, std::string(path), flags, mode, resolve);
}

UniqueFd openInRoot(int root_fd, std::string_view path, int flags, unsigned mode) {
    UniqueFd fd = tryOpenInRoot(root_fd, path, flags, mode);
    check(fd.get(), "open {}", path);
    return fd;
}

}  // namespace davit
