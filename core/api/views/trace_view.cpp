#include "api/views/trace_view.hpp"

#include "base/json.hpp"

namespace davit::api {
namespace {

std::string_view codeName(Code code) {
    switch (code) {
        case Code::ok: return "ok";
        case Code::invalid: return "invalid";
        case Code::not_found: return "not_found";
        case Code::conflict: return "conflict";
        case Code::forbidden: return "forbidden";
        case Code::unimplemented: return "unimplemented";
        case Code::unavailable: return "unavailable";
        case Code::deadline: return "deadline";
        case Code::cancelled: return "cancelled";
        case Code::system: return "system";
    }
    return "unknown";
}

void writeText(json::Writer& out, const std::string& name, const plugin::TracedText& text) {
    out.member(name, text.text);
    if (text.truncated()) out.member(name + "Size", text.size);
}

void writeCall(json::Writer& out, const plugin::TracedCall& call, bool ended) {
    out.member("Call", call.number);
    out.member("Phase", ended ? "end" : "begin");
    out.member("Time", formatRfc3339(call.begun));
    out.member("Kind", call.kind ? plugin::kindName(*call.kind) : std::string_view());
    out.member("Driver", call.subject->driver);
    out.member("Plugin", call.subject->plugin);
    out.member("Method", call.method);
    out.member("Transport", call.subject->transport);
    out.member("Isolation", plugin::isolationName(call.subject->isolation));
    writeText(out, "Request", call.request);
}

void writeOutcome(json::Writer& out, const plugin::CallOutcome& outcome) {
    out.member("Duration", outcome.duration.count());
    if (outcome.sent) out.member("SentBytes", *outcome.sent);
    if (outcome.received) out.member("ReceivedBytes", *outcome.received);
    if (outcome.reply.size > 0) writeText(out, "Reply", outcome.reply);
    if (!outcome.failure) return;
    out.object("Error", [&] {
        out.member("Code", codeName(outcome.failure->code));
        out.member("Text", outcome.failure->text.text);
        if (outcome.failure->text.truncated()) out.member("Size", outcome.failure->text.size);
    });
}

}  // namespace

std::string traceLine(const plugin::TraceRecord& record) {
    json::Writer out;
    out.object([&] {
        if (!record.call) {
            out.member("dropped", record.dropped);
            return;
        }
        writeCall(out, *record.call, record.outcome.has_value());
        if (record.outcome) writeOutcome(out, *record.outcome);
    });
    return out.take() + "\n";
}

}  // namespace davit::api
