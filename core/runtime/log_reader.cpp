#include "runtime/log_reader.hpp"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.hpp"
#include "base/json.hpp"
#include "base/unique_fd.hpp"

namespace davit::runtime {
namespace {

constexpr std::size_t kBlock = 64 * 1024;
// A record is at most 16 KiB of text, six times that when all of it is escaped, and its attributes.
constexpr std::size_t kLongestLine = 1U << 20;

UniqueFd openForReading(const std::filesystem::path& path) { return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); }

std::size_t readAt(int fd, char* into, std::size_t size, off_t offset) {
    const ssize_t got = ::pread(fd, into, size, offset);
    return static_cast<std::size_t>(check(got, "read a container's log"));
}

off_t sizeOf(int fd) {
    struct stat info {};
    check(::fstat(fd, &info), "stat a container's log");
    return info.st_size;
}

// Where the last `wanted` lines of the file begin. Takes what it found off `wanted`.
off_t tailOffset(int fd, std::int64_t& wanted) {
    std::array<char, kBlock> block;
    off_t position = sizeOf(fd);
    bool at_end = true;  // the newline that ends the last line begins no line
    while (position > 0) {
        const auto size = static_cast<std::size_t>(std::min<off_t>(position, kBlock));
        position -= static_cast<off_t>(size);
        const std::size_t got = readAt(fd, block.data(), size, position);
        for (std::size_t i = got; i-- > 0;) {
            if (block[i] == '\n' && !at_end && --wanted == 0) return position + static_cast<off_t>(i) + 1;
            at_end = false;
        }
    }
    if (!at_end) --wanted;  // the file's first line
    return 0;
}

std::optional<LogRecord> parseRecord(std::string_view line) {
    try {
        const json::Document document = json::Document::parse(line, 8);
        const json::Value root = document.root();
        const auto time = parseRfc3339(root["time"].stringView());
        if (!time) return std::nullopt;
        LogRecord record;
        record.stream = root["stream"].stringView() == "stderr" ? LogRecord::Stream::err : LogRecord::Stream::out;
        record.time = *time;
        record.text = root["log"].string();
        for (const auto [name, value] : root["attrs"].object()) record.attributes.emplace_back(name, value.string());
        return record;
    } catch (const Error&) {  // damaged: torn by a crash of the host, or not ours
        return std::nullopt;
    }
}

}  // namespace

struct LogReader::Impl {
    std::filesystem::path path;
    LogQuery query;
    UniqueFd file;
    off_t position = 0;
    std::string buffer;  // read but not yet given out, from `begin` on
    std::size_t begin = 0;
    bool discarding = false;  // inside a line that is too long
    bool finished = false;
    UniqueFd watch;

    [[nodiscard]] std::filesystem::path rotated(int number) const {
        return number == 0 ? path.string() : path.string() + "." + std::to_string(number);
    }

    [[nodiscard]] int oldest() const {
        int number = 0;
        while (::access(rotated(number + 1).c_str(), F_OK) == 0) ++number;
        return number;
    }

    // The file that follows the open one in time; none while it is the newest.
    [[nodiscard]] UniqueFd successor() const {
        struct stat mine {};
        check(::fstat(file.get(), &mine), "stat {}", path.string());
        for (int number = 0;; ++number) {
            struct stat other {};
            if (::stat(rotated(number).c_str(), &other) < 0) break;
            if (other.st_ino == mine.st_ino && other.st_dev == mine.st_dev)
                return number == 0 ? UniqueFd() : openForReading(rotated(number - 1));
        }
        return openForReading(rotated(oldest()));  // ours was rotated away while it was read
    }

    // Opens the file where the wanted records begin. False while there is no log.
    bool openFirst() {
        std::int64_t wanted = query.tail;
        const int last = oldest();
        for (int number = 0; number <= last; ++number) {
            UniqueFd candidate = openForReading(rotated(query.tail < 0 ? last - number : number));
            if (!candidate) continue;
            file = std::move(candidate);
            if (query.tail < 0) return true;
            position = wanted == 0 ? sizeOf(file.get()) : tailOffset(file.get(), wanted);
            if (wanted <= 0) return true;
        }
        return static_cast<bool>(file);
    }

    bool fill() {
        if (begin > 0) {
            buffer.erase(0, begin);
            begin = 0;
        }
        if (sizeOf(file.get()) < position) {  // truncated by somebody: begins anew
            position = 0;
            buffer.clear();
        }
        const std::size_t had = buffer.size();
        buffer.resize(had + kBlock);
        const std::size_t got = readAt(file.get(), buffer.data() + had, kBlock, position);
        buffer.resize(had + got);
        position += static_cast<off_t>(got);
        return got > 0;
    }

    // The next file, if the open one was rotated and is read to its end.
    bool advance() {
        UniqueFd next = successor();
        if (!next || fill()) return static_cast<bool>(next);
        file = std::move(next);
        position = 0;
        buffer.clear();
        begin = 0;
        return true;
    }

    // A whole line, valid until the next call.
    std::optional<std::string_view> nextLine() {
        if (!file && !openFirst()) return std::nullopt;
        std::size_t searched = begin;
        for (;;) {
            const auto end = buffer.find('\n', searched);
            if (end != std::string::npos) {
                const std::string_view line(buffer.data() + begin, end - begin);
                begin = end + 1;
                if (!std::exchange(discarding, false)) return line;
                searched = begin;
                continue;
            }
            if (buffer.size() - begin > kLongestLine) {
                discarding = true;
                begin = buffer.size();
            }
            const std::size_t pending = buffer.size() - begin;
            if (!fill() && !advance()) return std::nullopt;
            searched = std::min(begin + pending, buffer.size());
            if (buffer.empty()) searched = 0;
        }
    }

    [[nodiscard]] bool wanted(const LogRecord& record) const {
        const bool stream = record.stream == LogRecord::Stream::out ? query.out : query.err;
        return stream && (!query.since || record.time >= *query.since);
    }
};

LogReader::LogReader(std::filesystem::path path, LogQuery query) : impl_(std::make_unique<Impl>()) {
    impl_->path = std::move(path);
    impl_->query = query;
}

LogReader::~LogReader() = default;

std::optional<LogRecord> LogReader::next() {
    while (!impl_->finished) {
        const auto line = impl_->nextLine();
        if (!line) break;
        auto record = parseRecord(*line);
        if (!record) continue;
        if (impl_->query.until && record->time > *impl_->query.until) {
            impl_->finished = true;
            break;
        }
        if (impl_->wanted(*record)) return record;
    }
    if (impl_->query.until && now() > *impl_->query.until) impl_->finished = true;
    return std::nullopt;
}

bool LogReader::finished() const noexcept { return impl_->finished; }

int LogReader::fd() {
    if (!impl_->watch) {
        UniqueFd watch(check(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK), "watch a container's log"));
        const auto directory = impl_->path.parent_path();
        check(::inotify_add_watch(watch.get(), directory.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO), "watch {}",
              directory.string());
        impl_->watch = std::move(watch);
    }
    // What has been told is forgotten: the caller reads the log now, and only news after that counts.
    std::array<char, 4096> events;
    while (::read(impl_->watch.get(), events.data(), events.size()) > 0) {
    }
    return impl_->watch.get();
}

}  // namespace davit::runtime
