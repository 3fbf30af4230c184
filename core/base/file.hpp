// Small files, whole directories and locks, by descriptor and without surprises.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"

namespace davit {

/// Opens with O_CLOEXEC; throws Error::system naming the path.
[[nodiscard]] UniqueFd openFile(const std::filesystem::path& path, int flags, unsigned mode = 0);

/// The whole file; std::nullopt if it doesn't exist. Throws Error{invalid} when longer than `limit` bytes: a caller
/// never reads without a bound.
[[nodiscard]] std::optional<std::string> readFile(const std::filesystem::path& path, std::size_t limit = 1U << 20);

/// Writes all bytes, retrying on EINTR and short writes.
void writeAll(int fd, std::string_view data);

enum class Sync { no, yes };
/// Replaces `path` by `data`: temporary name beside it, optional fsync of file and directory, rename. A reader sees the old
/// content or the new, never a part.
void writeFileAtomically(const std::filesystem::path& path, std::string_view data, unsigned mode = 0600,
                         Sync sync = Sync::no);

/// Creates the directory and its missing parents; `mode` goes to the last one, parents get 0711.
void makeDirectories(const std::filesystem::path& path, unsigned mode);

/// Removes a tree by descriptor, never following links and never crossing into another mount; any depth. Missing is fine.
void removeTree(const std::filesystem::path& path);
/// The same for one name in a directory.
void removeTreeAt(int dir_fd, const std::string& name);

/// A directory of its own, removed with its content at the end.
class TempDir {
  public:
    /// Makes `parent`/`prefix`XXXXXX with mode 0700.
    explicit TempDir(const std::filesystem::path& parent = std::filesystem::temp_directory_path(),
                     std::string_view prefix = "davit-");
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir();
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    /// Gives the directory up: it stays.
    std::filesystem::path release();

  private:
    std::filesystem::path path_;
};

/// An exclusive flock(2) on a file that it creates, held until destruction or the process's end. Never a pid check.
class FileLock {
  public:
    /// std::nullopt when somebody else holds it.
    [[nodiscard]] static std::optional<FileLock> tryAcquire(const std::filesystem::path& path);

  private:
    explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

}  // namespace davit
