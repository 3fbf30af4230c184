#include "image/file_stream.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <vector>

#include "base/check.hpp"
#include "base/file.hpp"

namespace davit::image {
namespace {
constexpr std::size_t kCheckEvery = 16U << 20;
constexpr std::uint64_t kKeepFree = 4U << 20;
constexpr std::size_t kCopyBuffer = 256U << 10;
}  // namespace

FileSource::FileSource(const std::filesystem::path& path) : fd_(openFile(path, O_RDONLY)) {}

std::size_t FileSource::read(std::span<std::byte> buffer) {
    ssize_t got = 0;
    do got = ::read(fd_.get(), buffer.data(), buffer.size());
    while (got < 0 && errno == EINTR);
    return static_cast<std::size_t>(check(got, "read a file"));
}

void SpaceWatch::about(std::size_t bytes) {
    if (until_check_ >= bytes) {
        until_check_ -= bytes;
        return;
    }
    struct statvfs info {};
    const char* where = directory_.empty() ? "." : directory_.c_str();
    check(::statvfs(where, &info), "look at the free space of {}", where);
    const auto free = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
    if (free < kKeepFree + bytes)
        throw Error(Code::system, fmt::format("write below {}: no space left on device", where), ENOSPC);
    until_check_ = static_cast<std::size_t>(std::min<std::uint64_t>(kCheckEvery, free - kKeepFree - bytes));
}

FileSink::FileSink(const std::filesystem::path& path)
    : fd_(openFile(path, O_WRONLY | O_CREAT | O_EXCL, 0600)), space_(path.parent_path()) {}

void FileSink::write(std::span<const std::byte> data) {
    space_.about(data.size());
    writeAll(fd_.get(), {reinterpret_cast<const char*>(data.data()), data.size()});
}

std::int64_t copyStream(ByteSource& from, ByteSink& to) {
    std::vector<std::byte> buffer(kCopyBuffer);
    std::int64_t total = 0;
    while (const std::size_t got = from.read(buffer)) {
        to.write(std::span(buffer).first(got));
        total += static_cast<std::int64_t>(got);
    }
    return total;
}

}  // namespace davit::image
