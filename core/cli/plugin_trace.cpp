// davit plugin trace
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <thread>

#include "base/clock.hpp"
#include "base/thread_annotations.hpp"
#include "cli/line_reader.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

using Clock = std::chrono::steady_clock;

// A call that takes longer is shown before it has ended.
constexpr std::chrono::seconds kPatience{1};
constexpr std::size_t kShownText = 200;

/// "12:00:01.123456", local time.
std::string clockTime(const std::string& rfc3339) {
    const auto moment = parseRfc3339(rfc3339);
    if (!moment) return rfc3339;
    const std::int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(moment->time_since_epoch()).count();
    const std::time_t seconds = micros / 1'000'000;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return fmt::format("{:02}:{:02}:{:02}.{:06}", local.tm_hour, local.tm_min, local.tm_sec, micros % 1'000'000);
}

std::string durationText(std::int64_t nanoseconds) {
    const auto value = static_cast<double>(nanoseconds);
    if (nanoseconds < 1'000'000) return fmt::format("{:.1f} µs", value / 1e3);
    if (nanoseconds < 1'000'000'000) return fmt::format("{:.3f} ms", value / 1e6);
    return fmt::format("{:.3f} s", value / 1e9);
}

/// A plugin's text for a terminal: on one line, and nothing that the terminal would obey.
std::string plain(std::string text) {
    std::replace_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
    for (std::size_t i = 0; i + 1 < text.size(); ++i)  // U+0080 to U+009F
        if (text[i] == '\xc2' && static_cast<unsigned char>(text[i + 1]) >= 0x80 && static_cast<unsigned char>(text[i + 1]) <= 0x9f)
            text[i] = text[i + 1] = ' ';
    return text;
}

/// At most kShownText bytes, cut between two characters of UTF-8.
bool shorten(std::string& text) {
    if (text.size() <= kShownText) return false;
    std::size_t end = kShownText;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
    return true;
}

/// Prints a call when it has ended, and one that takes long also before that.
class TracePrinter {
  public:
    explicit TracePrinter(bool truncate) : truncate_(truncate), watcher_([this] { watch(); }) {}
    TracePrinter(const TracePrinter&) = delete;
    TracePrinter& operator=(const TracePrinter&) = delete;
    ~TracePrinter() {
        {
            const Lock lock(mutex_);
            over_ = true;
        }
        changed_.notify_all();
        watcher_.join();
    }

    void print(const json::Value& record) DAVIT_EXCLUDES(mutex_) {
        const Lock lock(mutex_);
        if (const std::uint64_t dropped = record["dropped"].unsignedInteger(); dropped > 0) {
            pending_.clear();  // their ends may be among what was lost
            return printOut(fmt::format("({} records were lost: this client reads too slowly)\n", dropped));
        }
        if (record["Phase"].string() == "begin") {
            pending_[record["Call"].unsignedInteger()] = {Clock::now() + kPatience, lineOf(record, "pending"), false};
            changed_.notify_all();
            return;
        }
        pending_.erase(record["Call"].unsignedInteger());
        printOut(lineOf(record, durationText(record["Duration"].integer())) + outcomeOf(record) + "\n");
    }

  private:
    struct Pending {
        Clock::time_point due;
        std::string line;
        bool printed = false;
    };

    /// The member `name`; `size` is that of the whole where the daemon has cut it.
    [[nodiscard]] std::string text(const json::Value& of, const char* name, const char* size) const {
        std::string shown = of[name].string();
        const bool shortened = truncate_ && shorten(shown);
        return plain(std::move(shown)) + (shortened || of[size] ? "…" : "");
    }

    [[nodiscard]] std::string lineOf(const json::Value& record, const std::string& took) const {
        return fmt::format("{}  {}  {}  {}", clockTime(record["Time"].string()), plain(record["Method"].string()), took,
                           text(record, "Request", "RequestSize"));
    }

    [[nodiscard]] std::string outcomeOf(const json::Value& record) const {
        std::string line;
        if (record["SentBytes"]) line += fmt::format(" + {} bytes", record["SentBytes"].unsignedInteger());
        line += " ->";
        if (record["ReceivedBytes"]) line += fmt::format(" {} bytes", record["ReceivedBytes"].unsignedInteger());
        if (const json::Value failure = record["Error"])
            return line + fmt::format(" error {}: {}", failure["Code"].string(), text(failure, "Text", "Size"));
        return record["Reply"] ? line + " " + text(record, "Reply", "ReplySize") : line;
    }

    void watch() DAVIT_EXCLUDES(mutex_) {
        const Lock lock(mutex_);
        while (!over_) {
            auto next = Clock::time_point::max();
            for (auto& [number, call] : pending_) {
                if (call.printed) continue;
                if (call.due > Clock::now()) {
                    next = std::min(next, call.due);
                    continue;
                }
                call.printed = true;
                printOut(call.line + "\n");
            }
            if (next == Clock::time_point::max())
                changed_.wait(mutex_);
            else
                (void)changed_.wait_until(mutex_, next);
        }
    }

    const bool truncate_;
    Mutex mutex_;
    Condition changed_;
    std::map<std::uint64_t, Pending> pending_ DAVIT_GUARDED_BY(mutex_);  ///< by the call's number
    bool over_ DAVIT_GUARDED_BY(mutex_) = false;
    std::thread watcher_;  ///< last: it uses everything above
};

}  // namespace

int tracePlugin(Cli& cli, CommandLine& line) {
    bool as_it_comes = false;
    bool no_trunc = false;
    std::string kind;
    line.flags()
        .boolean(&as_it_comes, "json", '\0', "Print the daemon's records, one JSON object on a line")
        .string(&kind, "kind", '\0', "Only of one kind: storage, network, ipam or volume")
        .boolean(&no_trunc, "no-trunc", '\0', "Do not truncate the messages (the daemon sends at most 4 KiB of each)");
    const std::string name = line.parse().front();
    Client::Call call{.method = "GET", .path = "/davit/plugins/" + imageSegment(name) + "/trace", .query = {}, .json = {}};
    if (!kind.empty()) call.query.add("kind", kind);
    const OpenReply reply = cli.client().open(call);
    if (as_it_comes) {
        forEachLine(*reply.body, [](const std::string& text) { printOut(text + "\n"); });
        return 0;
    }
    TracePrinter printer(!no_trunc);
    forEachLine(*reply.body, [&printer](const std::string& text) {
        const json::Document record = json::Document::parse(text);
        printer.print(record.root());
    });
    return 0;
}

}  // namespace davit::cli
