// davit run, davit create
#include <fcntl.h>
#include <unistd.h>

#include "base/check.hpp"
#include "base/file.hpp"
#include "cli/attach.hpp"
#include "cli/dial.hpp"
#include "cli/run_network.hpp"
#include "cli/run_options.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

constexpr int kDaemonFailed = 125;
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;

// Docker's reading of why a start failed: the words are those of the runtime's errors.
int exitCodeOf(const std::string& failure) {
    const auto says = [&](std::string_view words) { return failure.find(words) != std::string::npos; };
    if (says("executable file not found") || says("no such file or directory") ||
        says("system cannot find the file specified"))
        return kNotFound;
    if (says("permission denied") || says("is a directory")) return kNotExecutable;
    return kDaemonFailed;
}

[[noreturn]] void failRun(const CommandLine& line, const std::string& text, int code) {
    throw ExitError(code, fmt::format("davit: {}{}{}", text, text.ends_with('.') ? "" : ".", line.seeHelp()));
}

// The id file of --cidfile. Removed again when no container came of it.
class CidFile {
  public:
    explicit CidFile(std::string path) : path_(std::move(path)) {
        if (path_.empty()) return;
        if (::access(path_.c_str(), F_OK) == 0)
            throw ExitError(1,
                            "container ID file found, make sure the other container isn't running or delete " + path_);
        fd_ = openFile(path_, O_WRONLY | O_CREAT | O_EXCL, 0666);
    }
    CidFile(const CidFile&) = delete;
    CidFile& operator=(const CidFile&) = delete;
    ~CidFile() {
        if (fd_ && !written_) (void)::unlink(path_.c_str());
    }
    void write(const std::string& id) {
        if (!fd_) return;
        writeAll(fd_.get(), id);
        written_ = true;
    }

  private:
    std::string path_;
    UniqueFd fd_;
    bool written_ = false;
};

void checkOptions(const RunOptions& options) {
    std::string refused;
    for (const std::string& name : options.windows_only)
        refused += fmt::format(
            "{}\"--{}\" is only supported on a Docker daemon running on windows, but the Docker daemon is running on "
            "linux",
            refused.empty() ? "" : "\n", name);
    if (!refused.empty()) throw ExitError(1, refused);
    if (options.pull != "always" && options.pull != "missing" && options.pull != "never")
        throw error(Code::invalid, "invalid pull option: '{}': must be one of \"always\", \"missing\" or \"never\"",
                    options.pull);
}

RequestFacts requestFacts(Cli& cli, const RunOptions& options) {
    RequestFacts facts;
    facts.detach = options.detach;
    if (options.use_api_socket) {
        const std::string host = normalizeHost(cli.client().endpoint().host, false);
        if (host.starts_with("unix://")) facts.api_socket = host.substr(7);
    }
    if (!firstMacAddress(options).empty()) facts.api_minor = cli.client().atLeast(44) ? 51 : 43;
    return facts;
}

// Creates the container and returns its id.
std::string create(Cli& cli, const RunOptions& options, const std::string& body) {
    CidFile id_file(options.cid_file);
    Client::Call call{.method = "POST", .path = "/containers/create", .query = {}, .json = body};
    if (!options.name.empty()) call.query.add("name", options.name);
    const std::string platform = options.platform.empty() ? environment({"DOCKER_DEFAULT_PLATFORM"}) : options.platform;
    if (!platform.empty()) call.query.add("platform", platform);
    const json::Document reply = cli.client().json(call);
    for (const std::string& warning : reply.root()["Warnings"].strings()) printError("WARNING: " + warning + "\n");
    const std::string id = reply.root()["Id"].string();
    id_file.write(id);
    return id;
}

void startContainer(Client& client, const std::string& id) {
    client.call({.method = "POST", .path = "/containers/" + segment(id) + "/start", .query = {}, .json = {}});
}

// Everything of a run after the container exists.
class Run {
  public:
    Run(Cli& cli, const CommandLine& line, const RunOptions& options, const CreateRequest& request, std::string id)
        : cli_(cli), line_(line), options_(options), request_(request), id_(std::move(id)) {}

    int detached() {
        start();
        printOut(id_ + "\n");
        return 0;
    }

    int attached() {
        const std::string condition = options_.auto_remove ? "removed" : "next-exit";
        if (request_.attach_stdin || request_.attach_stdout || request_.attach_stderr) return followed(condition);
        waiter_.emplace(cli_.client(), id_, condition);
        waiter_->registered(cli_.client());
        start();
        printOut(id_ + "\n");
        return waiter_->exitCode();
    }

  private:
    int followed(const std::string& condition) {
        std::unique_ptr<SignalReader> signals = signalsFor(options_.tty, options_.sig_proxy);
        Following following = follow(cli_.client(), id_,
                                     {.in = request_.attach_stdin,
                                      .out = request_.attach_stdout,
                                      .err = request_.attach_stderr,
                                      .detach_keys = options_.detach_keys},
                                     condition);
        waiter_ = std::move(following.waiter);
        start();
        if (!request_.attach_stdout && !request_.attach_stderr) printOut(id_ + "\n");
        const std::string path = "/containers/" + segment(id_);
        if (options_.tty) resizeTo(cli_.client(), path);
        const SessionEnd end = stream(cli_, following.remote,
                                      {.path = path,
                                       .tty = options_.tty,
                                       .forward_in = request_.attach_stdin,
                                       .output = true,
                                       .detach_keys = options_.detach_keys,
                                       .signal_container = options_.tty ? "" : id_,
                                       .signals = std::move(signals)});
        return end == SessionEnd::detached ? 0 : waiter_->exitCode();
    }

    void start() {
        try {
            startContainer(cli_.client(), id_);
        } catch (const Error& failure) {
            // A container that is to be removed at its end is removed after a failed start too: don't return before.
            if (options_.auto_remove && waiter_) (void)waiter_->exitCode();
            failRun(line_, failure.text(), exitCodeOf(failure.text()));
        }
    }

    Cli& cli_;
    const CommandLine& line_;
    const RunOptions& options_;
    const CreateRequest& request_;
    std::string id_;
    std::optional<ExitWaiter> waiter_;
};

}  // namespace

int runContainer(Cli& cli, CommandLine& line) {
    RunOptions options;
    declareRunFlags(line.flags(), options, true);
    const std::vector<std::string> positional = line.parse();
    if (options.detach && !options.attach.empty())
        throw ExitError(1, "conflicting options: cannot specify both --attach and --detach");
    CreateRequest request;
    std::string id;
    try {
        checkOptions(options);
        RequestFacts facts = requestFacts(cli, options);
        if (const std::optional<WindowSize> size = windowSize(STDOUT_FILENO)) {
            facts.console_rows = size->rows;
            facts.console_columns = size->columns;
        }
        request = buildCreateRequest(options, line.flags(), positional, facts);
        requireTerminal(request.attach_stdin, options.tty);
        id = create(cli, options, request.json);
        Run run(cli, line, options, request, id);
        return options.detach ? run.detached() : run.attached();
    } catch (const ExitError&) {
        throw;
    } catch (const Error& failure) {
        failRun(line, failure.text(), kDaemonFailed);
    }
}

int createContainer(Cli& cli, CommandLine& line) {
    RunOptions options;
    declareRunFlags(line.flags(), options, false);
    const std::vector<std::string> positional = line.parse();
    CreateRequest request;
    try {
        checkOptions(options);
        request = buildCreateRequest(options, line.flags(), positional, requestFacts(cli, options));
    } catch (const ExitError&) {
        throw;
    } catch (const Error& failure) {
        failRun(line, failure.text(), kDaemonFailed);
    }
    printOut(create(cli, options, request.json) + "\n");
    return 0;
}

}  // namespace davit::cli
