// Reads a container's json-file log: tail, since, until, follow, over rotated files (x-json.log, x-json.log.1, …).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace davit::runtime {

struct LogRecord {
    enum class Stream { out, err };
    Stream stream = Stream::out;
    SystemTime time{};
    std::string text;  ///< with its newline; without: a part of a longer line
    std::vector<std::pair<std::string, std::string>> attributes;
};

struct LogQuery {
    bool out = true;
    bool err = true;
    std::int64_t tail = -1;  ///< last records; -1: all
    std::optional<SystemTime> since;
    std::optional<SystemTime> until;
};

/// One reader, one thread at a time. A damaged record is skipped. Memory is bounded whatever the log's size.
class LogReader {
  public:
    /// A missing log is an empty one.
    LogReader(std::filesystem::path path, LogQuery query);
    ~LogReader();

    /// The next record that is there now; std::nullopt when there is none (yet). Never blocks. In following, call again
    /// after fd() was readable; rotation is noticed here.
    [[nodiscard]] std::optional<LogRecord> next();

    /// True when `until` has passed or a record after it was seen: nothing more will come.
    [[nodiscard]] bool finished() const noexcept;

    /// An inotify descriptor that becomes readable when there may be more; made at the first call. For an epoll
    /// reactor.
    [[nodiscard]] int fd();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace davit::runtime
