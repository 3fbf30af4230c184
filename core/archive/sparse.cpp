#include "archive/sparse.hpp"

#include <unistd.h>

#include <algorithm>

#include "base/check.hpp"

namespace davit::archive {
namespace {

constexpr std::int64_t kWorthwhile = 64 * 1024;

}  // namespace

bool looksSparse(const struct stat& info) { return info.st_blocks * 512 + kWorthwhile <= info.st_size; }

std::vector<DataRange> dataRanges(int fd, std::int64_t size) {
    std::vector<DataRange> ranges;
    for (std::int64_t at = 0; at < size;) {
        const off_t start = ::lseek(fd, at, SEEK_DATA);
        if (start < 0 && errno == ENXIO) break;  // a hole up to the end
        if (start < 0 && errno == EINVAL) return {{0, size}};
        check(start, "look for data in a file");
        const off_t end = check(::lseek(fd, start, SEEK_HOLE), "look for a hole in a file");
        if (start >= size || end <= start) break;
        ranges.push_back({start, std::min<std::int64_t>(end, size) - start});
        at = end;
    }
    return ranges;
}

}  // namespace davit::archive
