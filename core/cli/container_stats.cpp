// davit stats
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/check.hpp"
#include "base/id.hpp"
#include "cli/formatter.hpp"
#include "cli/units.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

constexpr std::chrono::seconds kInterval{1};
constexpr int kIoDigits = 3;
constexpr const char* kHome = "\x1b[H";
constexpr const char* kClearLine = "\x1b[K";
constexpr const char* kClearBelow = "\x1b[J";

const ListFormat& statsFormat() {
    static const ListFormat kFormat{
        "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}",
        {{"ID", "CONTAINER ID"},
         {"Container", "CONTAINER"},
         {"Name", "NAME"},
         {"CPUPerc", "CPU %"},
         {"MemUsage", "MEM USAGE / LIMIT"},
         {"MemPerc", "MEM %"},
         {"NetIO", "NET I/O"},
         {"BlockIO", "BLOCK I/O"},
         {"PIDs", "PIDS"}}};
    return kFormat;
}

/// What a container had used at the last look.
struct Processor {
    double total = 0;
    double system = 0;
};

/// The daemon's samples, one a second; what lies between two of them is reckoned here.
class Sampler {
  public:
    Sampler(Client& client, std::vector<std::string> names, bool all) : client_(client), names_(std::move(names)), all_(all) {}

    /// The rows of now: of the containers that were named, else of those that there are.
    std::vector<std::shared_ptr<const tmpl::Record>> rows(bool truncate) {
        std::vector<std::shared_ptr<const tmpl::Record>> found;
        for (const std::string& name : names_.empty() ? listed() : names_) {
            Client::Call call{.method = "GET", .path = "/containers/" + segment(name) + "/stats", .query = {}, .json = {}};
            call.query.add("stream", "0");
            call.query.add("one-shot", "1");
            try {
                const json::Document sample = client_.json(call);
                found.push_back(rowOf(sample.root(), name, truncate));
            } catch (const ApiError& failure) {
                if (!names_.empty() || failure.status() != 404) throw;  // it has gone since it was listed
            }
        }
        return found;
    }

  private:
    std::vector<std::string> listed() {
        Client::Call call{.method = "GET", .path = "/containers/json", .query = {}, .json = {}};
        if (all_) call.query.add("all", "1");
        std::vector<std::string> ids;
        const json::Document containers = client_.json(call);
        for (const json::Value container : containers.root().array()) ids.push_back(container["Id"].string());
        return ids;
    }

    double processorShare(const json::Value& sample) {
        const json::Value cpu = sample["cpu_stats"];
        const Processor now{cpu["cpu_usage"]["total_usage"].number(), cpu["system_cpu_usage"].number()};
        const auto [at, is_first] = last_.try_emplace(sample["id"].string(), now);
        const Processor before = std::exchange(at->second, now);
        const double used = now.total - before.total;
        const double passed = now.system - before.system;
        if (is_first || used <= 0 || passed <= 0) return 0;
        return used / passed * cpu["online_cpus"].number() * 100;
    }

    static double memoryOf(const json::Value& memory) {
        const double usage = memory["usage"].number();
        for (const char* cache : {"total_inactive_file", "inactive_file"})
            if (const json::Value value = memory["stats"][cache]; value && value.number() < usage) return usage - value.number();
        return usage;
    }

    static std::string networkOf(const json::Value& sample) {
        double received = 0;
        double sent = 0;
        for (const auto& [name, network] : sample["networks"].object()) {
            received += network["rx_bytes"].number();
            sent += network["tx_bytes"].number();
        }
        return humanSize(received, kIoDigits) + " / " + humanSize(sent, kIoDigits);
    }

    static std::string blockIoOf(const json::Value& sample) {
        double read = 0;
        double written = 0;
        for (const json::Value line : sample["blkio_stats"]["io_service_bytes_recursive"].array()) {
            const std::string operation = line["op"].string();
            if (operation.starts_with('r') || operation.starts_with('R')) read += line["value"].number();
            if (operation.starts_with('w') || operation.starts_with('W')) written += line["value"].number();
        }
        return humanSize(read, kIoDigits) + " / " + humanSize(written, kIoDigits);
    }

    std::shared_ptr<const tmpl::Record> rowOf(const json::Value& sample, const std::string& asked, bool truncate) {
        const std::string id = sample["id"].string();
        const std::string name = sample["name"].string();
        const double memory = memoryOf(sample["memory_stats"]);
        const double limit = sample["memory_stats"]["limit"].number();
        auto row = std::make_shared<tmpl::Record>();
        row->fields["Container"] = names_.empty() ? std::string(shortId(id)) : asked;
        row->fields["ID"] = truncate ? std::string(shortId(id)) : id;
        row->fields["Name"] = name.starts_with('/') ? name.substr(1) : name;
        row->fields["CPUPerc"] = fmt::format("{:.2f}%", processorShare(sample));
        row->fields["MemUsage"] = binarySize(memory) + " / " + binarySize(limit);
        row->fields["MemPerc"] = fmt::format("{:.2f}%", limit > 0 ? memory / limit * 100 : 0);
        row->fields["NetIO"] = networkOf(sample);
        row->fields["BlockIO"] = blockIoOf(sample);
        row->fields["PIDs"] = std::to_string(sample["pids_stats"]["current"].integer());
        return row;
    }

    Client& client_;
    const std::vector<std::string> names_;
    const bool all_;
    std::map<std::string, Processor> last_;  // by id
};

/// Over what was shown before.
std::string inPlace(const std::string& text) {
    std::string out = kHome;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        out += text.substr(at, end - at) + kClearLine + "\n";
        at = end + 1;
    }
    return out + kClearBelow;
}

}  // namespace

int showStats(Cli& cli, CommandLine& line) {
    bool all = false;
    bool no_stream = false;
    bool no_trunc = false;
    std::string format;
    line.flags()
        .boolean(&all, "all", 'a', "Show all containers (default shows just running)")
        .string(&format, "format", '\0', formatUsage(true))
        .boolean(&no_stream, "no-stream", '\0', "Disable streaming stats and only pull the first result")
        .boolean(&no_trunc, "no-trunc", '\0', "Do not truncate output");
    const std::vector<std::string> names = line.parse();
    if (format.empty()) format = cli.config().text("statsFormat");
    (void)Formatter(format, statsFormat(), false).text();  // a wrong template shows before anything is asked
    Sampler sampler(cli.client(), names, all);
    // A share of time needs two looks.
    (void)sampler.rows(!no_trunc);
    while (true) {
        std::this_thread::sleep_for(kInterval);
        Formatter formatter(format, statsFormat(), false);
        for (auto& row : sampler.rows(!no_trunc)) formatter.add(std::move(row));
        const std::string text = formatter.text();
        printOut(no_stream ? text : inPlace(text));
        if (no_stream) return 0;
    }
}

}  // namespace davit::cli
