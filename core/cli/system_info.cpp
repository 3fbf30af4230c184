// davit info
#include <map>

#include "base/check.hpp"
#include "base/id.hpp"
#include "cli/formatter.hpp"
#include "cli/template.hpp"
#include "cli/units.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

class InfoText {
  public:
    explicit InfoText(const json::Value& info) : info_(info) {}

    std::string take() && {
        counts();
        storage();
        plugins();
        runtimes();
        security();
        host();
        rest();
        return std::move(out_);
    }

  private:
    void line(const std::string& label, const std::string& value, std::size_t indent = 1) {
        out_ += std::string(indent, ' ') + label + ": " + value + "\n";
    }
    void text(const std::string& label, std::string_view member) {
        if (const std::string value = info_[member].string(); !value.empty()) line(label, value);
    }
    void number(const std::string& label, std::string_view member, std::size_t indent = 1) {
        line(label, std::to_string(info_[member].integer()), indent);
    }
    void flag(const std::string& label, std::string_view member) {
        line(label, info_[member].boolean() ? "true" : "false");
    }

    void counts() {
        number("Containers", "Containers");
        number("Running", "ContainersRunning", 2);
        number("Paused", "ContainersPaused", 2);
        number("Stopped", "ContainersStopped", 2);
        number("Images", "Images");
        text("Server Version", "ServerVersion");
    }

    void storage() {
        text("Storage Driver", "Driver");
        for (const json::Value pair : info_["DriverStatus"].array()) {
            const std::vector<std::string> words = pair.strings();
            if (words.size() > 1) line(words[0], words[1], 2);
        }
        text("Logging Driver", "LoggingDriver");
        text("Cgroup Driver", "CgroupDriver");
        text("Cgroup Version", "CgroupVersion");
    }

    void list(const std::string& label, const json::Value& names) {
        std::string all;
        for (const std::string& name : names.strings()) all += (all.empty() ? "" : " ") + name;
        if (!all.empty()) line(label, all, 2);
    }

    void plugins() {
        out_ += " Plugins:\n";
        list("Volume", info_["Plugins"]["Volume"]);
        list("Network", info_["Plugins"]["Network"]);
        list("Authorization", info_["Plugins"]["Authorization"]);
        list("Log", info_["Plugins"]["Log"]);
        line("Swarm", info_["Swarm"]["LocalNodeState"].string("inactive"));
    }

    void commit(const std::string& label, std::string_view member) {
        if (info_[member]) line(label, info_[member]["ID"].string());
    }

    void runtimes() {
        std::map<std::string, int> names;
        for (const auto& [name, runtime] : info_["Runtimes"].object()) names.emplace(name, 0);
        std::string all;
        for (const auto& [name, unused] : names) all += (all.empty() ? "" : " ") + name;
        if (!all.empty()) line("Runtimes", all);
        text("Default Runtime", "DefaultRuntime");
        text("Init Binary", "InitBinary");
        commit("containerd version", "ContainerdCommit");
        commit("runc version", "RuncCommit");
        commit("init version", "InitCommit");
    }

    // "name=seccomp,profile=default" is a name with its options below it.
    void security() {
        if (info_["SecurityOptions"].array().empty()) return;
        out_ += " Security Options:\n";
        for (const std::string& option : info_["SecurityOptions"].strings()) {
            std::string rest = option;
            while (!rest.empty()) {
                const std::string part = rest.substr(0, rest.find(','));
                rest.erase(0, std::min(rest.size(), part.size() + 1));
                const std::size_t equals = part.find('=');
                const std::string name = part.substr(0, equals);
                const std::string value = equals == std::string::npos ? "" : part.substr(equals + 1);
                if (name == "name")
                    out_ += "  " + value + "\n";
                else if (name == "profile")
                    line("Profile", value, 3);
                else
                    line(name, value, 3);
            }
        }
    }

    void host() {
        text("Kernel Version", "KernelVersion");
        text("Operating System", "OperatingSystem");
        text("OSType", "OSType");
        text("Architecture", "Architecture");
        number("CPUs", "NCPU");
        line("Total Memory", binarySize(static_cast<double>(info_["MemTotal"].integer())));
        text("Name", "Name");
        text("ID", "ID");
        text("Docker Root Dir", "DockerRootDir");
        flag("Debug Mode", "Debug");
    }

    void rest() {
        text("HTTP Proxy", "HttpProxy");
        text("HTTPS Proxy", "HttpsProxy");
        text("No Proxy", "NoProxy");
        if (!info_["Labels"].array().empty()) out_ += " Labels:\n";
        for (const std::string& label : info_["Labels"].strings()) out_ += "  " + label + "\n";
        flag("Experimental", "ExperimentalBuild");
        const std::vector<std::string> networks = info_["RegistryConfig"]["InsecureRegistryCIDRs"].strings();
        if (!networks.empty()) out_ += " Insecure Registries:\n";
        for (const std::string& network : networks) out_ += "  " + network + "\n";
        flag("Live Restore Enabled", "LiveRestoreEnabled");
        text("Product License", "ProductLicense");
    }

    const json::Value& info_;
    std::string out_;
};

}  // namespace

int showInfo(Cli& cli, CommandLine& line) {
    std::string format;
    line.flags().string(&format, "format", 'f', formatUsage(false));
    (void)line.parse();
    const std::string context = cli.contexts().currentName();
    if (format.empty())
        printOut(fmt::format("Client:\n Version:    0.1.0\n Context:    {}\n Debug Mode: {}\n\nServer:\n", context,
                             cli.options.debug));
    const json::Document reply = cli.client().json({.method = "GET", .path = "/info", .query = {}, .json = {}});
    if (format == "json") {
        printOut(reply.root().text() + "\n");
    } else if (!format.empty()) {
        try {
            printOut(tmpl::Template::parse(unescapeFormat(format)).run(tmpl::Value(reply.root())) + "\n");
        } catch (const Error& failure) {
            throw ExitError(64, "template parsing error: " + failure.text());
        }
    } else {
        printOut(InfoText(reply.root()).take() + "\n");
        for (const std::string& warning : reply.root()["Warnings"].strings()) printError(warning + "\n");
    }
    return 0;
}

}  // namespace davit::cli
