#include "cli/transfer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "base/check.hpp"
#include "base/file.hpp"

namespace davit::cli {

std::size_t FdSource::read(std::span<std::byte> buffer) {
    for (;;) {
        const ssize_t size = ::read(fd_, buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        return static_cast<std::size_t>(check(size, "read the archive"));
    }
}

UniqueFd openInput(const std::string& path) {
    if (path.empty() || path == "-")
        return UniqueFd(check(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), "duplicate standard input"));
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file)
        throw Error(Code::not_found,
                    "open " + path + ": " + (errno == ENOENT ? "no such file or directory" : std::strerror(errno)));
    return file;
}

void copyBody(ByteSource& body, int fd) {
    std::byte buffer[128 * 1024];
    while (const std::size_t size = body.read(buffer)) writeAll(fd, {reinterpret_cast<const char*>(buffer), size});
}

void saveToFile(const std::string& what, const std::string& path, Client& client, const Client::Call& call) {
    const std::filesystem::path parent = std::filesystem::absolute(path).parent_path();
    if (!std::filesystem::is_directory(parent))
        throw error(Code::invalid, "failed to save {}: invalid output path: stat {}: no such file or directory", what, parent.string());
    const bool special = std::filesystem::exists(path) && !std::filesystem::is_regular_file(path);
    if (std::filesystem::is_directory(path))
        throw error(Code::invalid, "failed to save {}: invalid output path: \"{}\" must be a regular file", what, path);
    const OpenReply reply = client.open(call);
    if (special) {  // /dev/null, a pipe
        copyBody(*reply.body, openFile(path, O_WRONLY).get());
        return;
    }
    std::string temporary = (parent / ".davit-save-XXXXXX").string();
    const UniqueFd file(check(::mkostemp(temporary.data(), O_CLOEXEC), "create {}", temporary));
    try {
        copyBody(*reply.body, file.get());
        check(::rename(temporary.c_str(), path.c_str()), "rename {} to {}", temporary, path);
    } catch (...) {
        (void)::unlink(temporary.c_str());
        throw;
    }
}

}  // namespace davit::cli
