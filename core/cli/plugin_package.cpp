// davit plugin package: a managed plugin's folder made of a plugin .so, for `docker plugin create` and `davit plugin create`.
//
//     DIR/config.json
//     DIR/rootfs/bin/davit-plugin-host      what serves the .so
//     DIR/rootfs/plugin/X.so                and the programs that belong to it
//     DIR/rootfs/…                          the shared libraries that these need, where the loader looks for them
#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <set>
#include <sstream>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/process.hpp"
#include "cli/dial.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

namespace fs = std::filesystem;

// Everything that a driver keeps is below it, so that what it mounts there is seen by the engine.
constexpr const char* kPropagated = "/mnt";

struct Packaging {
    std::string driver;
    std::string output;
    std::string config = "{}";
    std::vector<std::string> programs;
};

/// What a program writes to its standard output. Throws Error{system} when it fails.
std::string outputOf(const std::string& program, std::vector<std::string> args) {
    int ends[2];
    check(::pipe2(ends, O_CLOEXEC), "make a pipe");
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    args.insert(args.begin(), program);
    ChildProcess child = ChildProcess::spawn({.program = program, .args = std::move(args), .env = {}, .stdout_fd = writer.get(), .inherit = {}});
    writer.reset();
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t got = 0; (got = ::read(reader.get(), buffer.data(), buffer.size())) > 0;) text.append(buffer.data(), static_cast<std::size_t>(got));
    const auto status = child.wait();
    if (status && status->dockerCode() == 0) return text;
    text.erase(text.find_last_not_of('\n') + 1);
    throw error(Code::system, "{}: {}", fs::path(program).filename().string(), text.empty() ? "it failed" : text);
}

/// The loader that a program names; it knows best which libraries would be loaded.
std::string loaderOf(const fs::path& program) {
    const std::string bytes = readFile(program, std::size_t{256} << 20U).value_or("");
    if (bytes.size() < sizeof(Elf64_Ehdr)) throw error(Code::invalid, "{} is no program", program.string());
    const auto* head = reinterpret_cast<const Elf64_Ehdr*>(bytes.data());
    for (unsigned i = 0; i < head->e_phnum; ++i) {
        const std::size_t at = head->e_phoff + std::size_t{i} * head->e_phentsize;
        if (at + sizeof(Elf64_Phdr) > bytes.size()) break;
        const auto* part = reinterpret_cast<const Elf64_Phdr*>(bytes.data() + at);
        if (part->p_type == PT_INTERP && part->p_offset < bytes.size()) return bytes.data() + part->p_offset;
    }
    throw error(Code::invalid, "{} names no loader", program.string());
}

/// Absolute paths in the lines "name => /path (0x…)" and "/path (0x…)".
void collectLibraries(const std::string& loader, const fs::path& file, std::set<std::string>& libraries) {
    std::istringstream lines(outputOf(loader, {"--list", file.string()}));
    for (std::string line; std::getline(lines, line);) {
        const std::size_t begin = line.find('/');
        if (begin == std::string::npos) {
            if (line.find("not found") != std::string::npos) throw error(Code::not_found, "{} needs {}", file.string(), line);
            continue;
        }
        libraries.insert(line.substr(begin, line.find(" (", begin) - begin));
    }
}

void copyTo(const fs::path& root, const fs::path& file, const fs::path& place) {
    const fs::path target = root / place.relative_path();
    fs::create_directories(target.parent_path());
    fs::copy_file(file, target, fs::copy_options::overwrite_existing);  // of a link what it points to
}

std::string typeOf(std::int64_t kind) {
    switch (kind) {
        case 1: return "docker.graphdriver/1.0";
        case 2: return "docker.networkdriver/1.0";
        case 3: return "docker.ipamdriver/1.0";
        default: return "docker.volumedriver/1.0";
    }
}

/// config.json for the drivers of the .so that are served.
std::string configFor(const json::Value& probed, const std::string& so_name, const Packaging& options) {
    std::vector<std::string> types;
    std::string description;
    bool network = false;
    for (const json::Value driver : probed["Drivers"].array()) {
        if (!options.driver.empty() && driver["Name"].string() != options.driver) continue;
        const std::int64_t kind = driver["Kind"].integer();
        types.push_back(typeOf(kind));
        network = network || kind == 2 || kind == 3;
        if (description.empty()) description = driver["Description"].string();
    }
    if (types.empty()) throw error(Code::not_found, "{} has no driver \"{}\"", so_name, options.driver);
    const std::string socket = fs::path(so_name).stem().string() + ".sock";
    std::vector<std::string> entrypoint = {"/bin/davit-plugin-host", "/plugin/" + so_name, "--listen", "unix:///run/docker/plugins/" + socket,
                                           "--state", std::string(kPropagated) + "/state"};
    if (!options.driver.empty()) entrypoint.insert(entrypoint.end(), {"--driver", options.driver});
    json::Writer out;
    out.object([&] {
        out.member("description", description).member("documentation", "").member("entrypoint", entrypoint).member("workdir", "/");
        out.object("interface", [&] { out.member("types", types).member("socket", socket); });
        out.object("network", [&] { out.member("type", network ? "host" : "none"); });
        out.member("propagatedMount", kPropagated);
        out.object("linux", [&] {
            out.member("capabilities", network ? std::vector<std::string>{"CAP_NET_ADMIN", "CAP_SYS_ADMIN"} : std::vector<std::string>{"CAP_SYS_ADMIN"});
        });
        out.array("env", [&] {
            out.object([&] {
                out.member("name", "DAVIT_PLUGIN_CONFIG").member("description", "the driver's configuration, a JSON object");
                out.member("value", options.config).member("settable", std::vector<std::string>{"value"});
            });
        });
    });
    return out.take();
}

void fillRoot(const fs::path& root, const fs::path& so, const Packaging& options) {
    const fs::path host = helperPath("davit-plugin-host");
    const std::string loader = loaderOf(host);
    std::set<std::string> libraries = {loader};
    copyTo(root, host, "/bin/davit-plugin-host");
    copyTo(root, so, fs::path("/plugin") / so.filename());
    collectLibraries(loader, host, libraries);
    collectLibraries(loader, so, libraries);
    for (const std::string& program : options.programs) {
        copyTo(root, program, fs::path("/plugin") / fs::path(program).filename());
        collectLibraries(loader, fs::absolute(program), libraries);
    }
    for (const std::string& library : libraries) copyTo(root, library, library);
    for (const char* directory : {"mnt", "run/docker/plugins", "tmp", "etc", "proc", "sys", "dev"}) fs::create_directories(root / directory);
}

}  // namespace

int packagePlugin(Cli&, CommandLine& line) {
    Packaging options;
    line.flags()
        .string(&options.config, "config", '\0', "The driver's configuration, a JSON object; `plugin set NAME DAVIT_PLUGIN_CONFIG=...` changes it")
        .string(&options.driver, "driver", '\0', "Only this driver of the plugin")
        .string(&options.output, "output", 'o', "The folder to make (default: the plugin's name)")
        .list(&options.programs, "program", '\0', "A program that the plugin looks for beside itself; repeatable");
    const fs::path so = fs::absolute(line.parse().front());
    (void)json::Document::parse(options.config);
    const json::Document probed = json::Document::parse(outputOf(helperPath("davit-plugin-host"), {"--probe", so.string()}));
    const fs::path output = options.output.empty() ? fs::path(so.stem()) : fs::path(options.output);
    if (fs::exists(output)) throw error(Code::conflict, "{} exists", output.string());
    const std::string config = configFor(probed.root(), so.filename(), options);
    const TempDir draft(fs::absolute(output).parent_path(), ".davit-package-");
    fillRoot(draft.path() / "rootfs", so, options);
    writeFileAtomically(draft.path() / "config.json", config + "\n", 0644);
    fs::rename(draft.path(), output);
    fs::create_directory(draft.path());  // TempDir removes what has its name
    fs::permissions(output, fs::perms(0755));
    printOut(output.string() + "\n");
    return 0;
}

}  // namespace davit::cli
