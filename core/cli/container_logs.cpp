// davit logs
#include "base/check.hpp"
#include "cli/frames.hpp"
#include "cli/time_reference.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {

int showLogs(Cli& cli, CommandLine& line) {
    bool details = false;
    bool follow = false;
    bool timestamps = false;
    std::string since;
    std::string until;
    std::string tail = "all";
    line.flags()
        .boolean(&details, "details", '\0', "Show extra details provided to logs")
        .boolean(&follow, "follow", 'f', "Follow log output")
        .string(&since, "since", '\0',
                "Show logs since timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)")
        .string(&tail, "tail", 'n', "Number of lines to show from the end of the logs")
        .boolean(&timestamps, "timestamps", 't', "Show timestamps")
        .string(
            &until, "until", '\0',
            "Show logs before a timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)");
    const std::string name = line.parse().front();
    const json::Document container =
        cli.client().json({.method = "GET", .path = "/containers/" + segment(name) + "/json", .query = {}, .json = {}});
    Client::Call call{.method = "GET",
                      .path = "/containers/" + segment(container.root()["Id"].string()) + "/logs",
                      .query = {},
                      .json = {}};
    call.query.add("stdout", "1");
    call.query.add("stderr", "1");
    const auto now = std::chrono::system_clock::now();
    if (!since.empty()) call.query.add("since", timeReference(since, now));
    if (!until.empty()) call.query.add("until", timeReference(until, now));
    if (timestamps) call.query.add("timestamps", "1");
    if (details) call.query.add("details", "1");
    if (follow) call.query.add("follow", "1");
    call.query.add("tail", tail);
    const OpenReply reply = cli.client().open(call);
    FrameDecoder decoder(container.root()["Config"]["Tty"].boolean());
    std::byte buffer[32 * 1024];
    while (const std::size_t size = reply.body->read(buffer))
        decoder.feed({reinterpret_cast<const char*>(buffer), size});
    return 0;
}

}  // namespace davit::cli
