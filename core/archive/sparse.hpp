// Where a file has data and where holes, as its file system tells (SEEK_DATA). Any thread.
#pragma once

#include <sys/stat.h>

#include <vector>

#include "archive/tar_writer.hpp"

namespace davit::archive {

/// Whether the file occupies so much less than its size that its holes are worth to be kept.
[[nodiscard]] bool looksSparse(const struct stat& info);

/// The stretches of data below `size`; the whole file when the file system can't tell. Moves the descriptor's offset.
[[nodiscard]] std::vector<DataRange> dataRanges(int fd, std::int64_t size);

}  // namespace davit::archive
