// davit load, save, import
#include <unistd.h>

#include "base/check.hpp"
#include "cli/progress.hpp"
#include "cli/terminal.hpp"
#include "cli/transfer.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

void printProgress(OpenReply& reply, bool quiet) {
    const bool messages = reply.head.headers.value("Content-Type").starts_with("application/json");
    ProgressPrinter printer(isTerminal(STDOUT_FILENO) && !quiet);
    std::byte buffer[32 * 1024];
    while (const std::size_t size = reply.body->read(buffer)) {
        const std::string_view bytes(reinterpret_cast<const char*>(buffer), size);
        if (messages)
            printer.feed(bytes);
        else
            printOut(bytes);
    }
}

}  // namespace

int loadImages(Cli& cli, CommandLine& line) {
    std::string input;
    std::string platform;
    bool quiet = false;
    line.flags()
        .string(&input, "input", 'i', "Read from tar archive file, instead of STDIN")
        .string(&platform, "platform", '\0', "Load only the given platform variant (\"os[/arch[/variant]]\")")
        .boolean(&quiet, "quiet", 'q', "Suppress the load output");
    (void)line.parse();
    if (input.empty() && isTerminal(STDIN_FILENO))
        throw Error(Code::invalid, "requested load from stdin, but stdin is empty");
    const UniqueFd file = openInput(input);
    FdSource source(file.get());
    Client::Call call{.method = "POST", .path = "/images/load", .query = {}, .json = {}};
    call.query.add("quiet", quiet || !isTerminal(STDOUT_FILENO) ? "1" : "0");
    if (!platform.empty()) call.query.add("platform", platform);
    OpenReply reply = cli.client().open(call, &source);
    printProgress(reply, quiet);
    return 0;
}

int saveImages(Cli& cli, CommandLine& line) {
    std::string output;
    std::string platform;
    line.flags()
        .string(&output, "output", 'o', "Write to a file, instead of STDOUT")
        .string(&platform, "platform", '\0', "Save only the given platform variant (\"os[/arch[/variant]]\")");
    const std::vector<std::string> names = line.parse();
    if (output.empty() && isTerminal(STDOUT_FILENO))
        throw Error(Code::invalid, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    Client::Call call{.method = "GET", .path = "/images/get", .query = {}, .json = {}};
    for (const std::string& name : names) call.query.add("names", name);
    if (!platform.empty()) call.query.add("platform", platform);
    if (!output.empty()) {
        saveToFile("image", output, cli.client(), call);
        return 0;
    }
    const OpenReply reply = cli.client().open(call);
    copyBody(*reply.body, STDOUT_FILENO);
    return 0;
}

int importImage(Cli& cli, CommandLine& line) {
    std::vector<std::string> changes;
    std::string message;
    std::string platform;
    line.flags()
        .list(&changes, "change", 'c', "Apply Dockerfile instruction to the created image")
        .string(&message, "message", 'm', "Set commit message for imported image")
        .string(&platform, "platform", '\0', "Set platform if server is multi-platform capable");
    const std::vector<std::string> names = line.parse();
    if (names[0].starts_with("http://") || names[0].starts_with("https://"))
        throw Error(Code::unimplemented,
                    "import from a URL isn't supported: fetch the file and import it, or pipe it to davit import -");
    const UniqueFd file = openInput(names[0]);
    FdSource source(file.get());
    Client::Call call{.method = "POST", .path = "/images/create", .query = {}, .json = {}};
    call.query.add("fromSrc", "-");
    if (names.size() > 1) call.query.add("repo", names[1]);
    if (!message.empty()) call.query.add("message", message);
    if (!platform.empty()) call.query.add("platform", platform);
    for (const std::string& change : changes) call.query.add("changes", change);
    OpenReply reply = cli.client().open(call, &source);
    printProgress(reply, false);
    return 0;
}

}  // namespace davit::cli
