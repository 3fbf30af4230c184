// davit events
#include <fmt/format.h>

#include <ctime>

#include "base/check.hpp"
#include "cli/formatter.hpp"
#include "cli/line_reader.hpp"
#include "cli/template.hpp"
#include "cli/time_reference.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

/// RFC 3339 in local time with all nine digits, as Docker prints the moments of events.
std::string fixedTime(std::int64_t nanoseconds) {
    const std::time_t seconds = nanoseconds / 1'000'000'000;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    char date[32];
    char zone[8];
    (void)std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &local);
    (void)std::strftime(zone, sizeof zone, "%z", &local);
    std::string offset = zone;
    offset = offset == "+0000" ? "Z" : offset.insert(offset.size() - 2, ":");
    return fmt::format("{}.{:09}{}", date, nanoseconds % 1'000'000'000, offset);
}

std::string plainLine(const json::Value& event) {
    std::string attributes;
    for (const auto& [name, value] : event["Actor"]["Attributes"].stringMap())
        attributes += (attributes.empty() ? "" : ", ") + name + "=" + value;
    return fmt::format("{} {} {} {}{}\n", fixedTime(event["timeNano"].integer()), event["Type"].string(), event["Action"].string(),
                       event["Actor"]["ID"].string(), attributes.empty() ? "" : " (" + attributes + ")");
}

/// The members by the names they have in Docker's Go type; `json` shows those of the wire.
std::shared_ptr<const tmpl::Record> recordOf(const json::Value& event) {
    auto record = std::make_shared<tmpl::Record>();
    for (const auto& [name, value] : event.object()) record->fields.emplace(name, tmpl::Value(value));
    for (const auto& [field, name] : {std::pair{"Status", "status"}, {"ID", "id"}, {"From", "from"}, {"Scope", "scope"}})
        record->hidden[field] = event[name].string();
    record->hidden["Time"] = event["time"].integer();
    record->hidden["TimeNano"] = event["timeNano"].integer();
    return record;
}

}  // namespace

int showEvents(Cli& cli, CommandLine& line) {
    std::string format;
    std::string since;
    std::string until;
    std::vector<std::string> filters;
    line.flags()
        .custom([&filters](const std::string& value) { filters.push_back(checkFilter(value)); }, "filter", 'f', "filter",
                "Filter output based on conditions provided")
        .string(&format, "format", '\0', formatUsage(false))
        .string(&since, "since", '\0', "Show all events created since timestamp")
        .string(&until, "until", '\0', "Stream events until this timestamp");
    (void)line.parse();
    const bool as_it_comes = format == "json" || format == "{{json .}}";
    std::optional<tmpl::Template> parsed;
    try {
        if (!format.empty() && !as_it_comes) parsed = tmpl::Template::parse(unescapeFormat(format));
    } catch (const Error& failure) {
        throw ExitError(64, "Error parsing format: " + failure.text());
    }
    Client::Call call{.method = "GET", .path = "/events", .query = {}, .json = {}};
    const auto now = std::chrono::system_clock::now();
    if (!since.empty()) call.query.add("since", timeReference(since, now));
    if (!until.empty()) call.query.add("until", timeReference(until, now));
    const std::string filter_json = filtersJson(filters);
    if (!filter_json.empty()) call.query.add("filters", filter_json);
    const OpenReply reply = cli.client().open(call);
    forEachLine(*reply.body, [&](const std::string& text) {
        if (as_it_comes) return printOut(text + "\n");
        const json::Document event = json::Document::parse(text);
        printOut(parsed ? parsed->run(tmpl::Value(recordOf(event.root()))) + "\n" : plainLine(event.root()));
    });
    return 0;
}

}  // namespace davit::cli
