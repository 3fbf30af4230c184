#include "api/log_stream.hpp"

#include <charconv>

#include "api/log_follower.hpp"
#include "api/numbers.hpp"
#include "base/check.hpp"

namespace davit::api {
namespace {

// "2006-01-02T15:04:05.000000000Z": all nine digits, so that columns line up.
std::string fixedTime(SystemTime time) {
    constexpr std::size_t kSecondsLength = 19;
    constexpr std::size_t kDigits = 9;
    std::string text = formatRfc3339(time);
    text.pop_back();  // Z
    if (text.size() == kSecondsLength) text += '.';
    text.resize(kSecondsLength + 1 + kDigits, '0');
    return text + "Z";
}

// Anything but a number means all, as in dockerd.
std::int64_t readTail(const std::string& text) {
    std::int64_t number = -1;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc() && end == text.data() + text.size() && number >= 0 ? number : -1;
}

runtime::LogQuery readQuery(const http::Query& query) {
    runtime::LogQuery log;
    log.out = query.flag("stdout");
    log.err = query.flag("stderr");
    if (!log.out && !log.err) throw error(Code::invalid, "Bad parameters: you must choose at least one stream");
    log.tail = readTail(query.get("tail"));
    log.since = readMoment(query, "since");
    log.until = readMoment(query, "until");
    return log;
}

}  // namespace

std::string frame(unsigned stream, std::string_view payload) {
    const auto size = static_cast<std::uint32_t>(payload.size());
    std::string out{static_cast<char>(stream),
                    '\0',
                    '\0',
                    '\0',
                    static_cast<char>(size >> 24),
                    static_cast<char>(size >> 16),
                    static_cast<char>(size >> 8),
                    static_cast<char>(size)};
    out += payload;
    return out;
}

std::string formatRecord(const runtime::LogRecord& record, const LogFormat& format) {
    std::string line;
    if (format.timestamps) line += fixedTime(record.time) + " ";
    if (format.details) {
        for (std::size_t i = 0; i < record.attributes.size(); ++i)
            line += (i == 0 ? "" : ",") + record.attributes[i].first + "=" + record.attributes[i].second;
        line += ' ';
    }
    line += record.text;
    if (format.tty) return line;
    return frame(record.stream == runtime::LogRecord::Stream::err ? 2 : 1, line);
}

void streamLogs(const Context& context, Request& request) {
    const http::Query& query = request.query();
    const runtime::LogQuery log = readQuery(query);
    const std::string& name = request.variable("name");
    engine::LogStream stream = context.engine.containers().logs(name, log);
    const LogFormat format{stream.tty, query.flag("timestamps"), query.flag("details")};
    const char* type = request.atLeast(42) && !stream.tty ? "application/vnd.docker.multiplexed-stream"
                                                          : "application/vnd.docker.raw-stream";
    if (query.flag("follow") && stream.running) {
        auto follower = std::make_shared<LogFollower>(context, std::move(stream.reader), format);
        follower->begin(request, type, name);
        return;
    }
    http::BodyWriter body = request.startStream(200, type);
    while (const auto record = stream.reader->next()) body.write(formatRecord(*record, format));
    body.finish();
}

}  // namespace davit::api
