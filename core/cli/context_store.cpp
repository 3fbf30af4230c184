#include "cli/context_store.hpp"

#include <algorithm>
#include <filesystem>

#include "base/check.hpp"
#include "base/file.hpp"

namespace davit::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefault = "default";

std::string existing(const fs::path& path) { return fs::exists(path) ? path.string() : std::string(); }

Context readContext(const fs::path& directory, const fs::path& tls_root) {
    const std::optional<std::string> text = readFile(directory / "meta.json");
    if (!text) throw error(Code::not_found, "{} has no meta.json", directory.string());
    const json::Document document = json::Document::parse(*text);
    const json::Value endpoint = document.root()["Endpoints"]["docker"];
    const fs::path tls = tls_root / directory.filename();
    Context context;
    context.name = document.root()["Name"].string();
    context.description = document.root()["Metadata"]["Description"].string();
    context.meta_path = directory.string();
    context.tls_path = tls.string();
    context.endpoint.host = endpoint["Host"].string(kDefaultHost);
    context.endpoint.skip_verify = endpoint["SkipTLSVerify"].boolean();
    context.endpoint.ca = existing(tls / "docker/ca.pem");
    context.endpoint.cert = existing(tls / "docker/cert.pem");
    context.endpoint.key = existing(tls / "docker/key.pem");
    context.endpoint.tls =
        !context.endpoint.ca.empty() || !context.endpoint.cert.empty() || context.endpoint.skip_verify;
    return context;
}

void copyPem(const std::string& from, const fs::path& to) {
    if (from.empty()) {
        fs::remove(to);
        return;
    }
    const std::optional<std::string> content = readFile(from);
    if (!content) throw error(Code::not_found, "open {}: no such file or directory", from);
    makeDirectories(to.parent_path(), 0700);
    writeFileAtomically(to, *content, 0600);
}

}  // namespace

std::string ContextStore::currentName() const {
    if (!options_.hosts.empty() && !options_.context.empty())
        throw Error(Code::invalid, "conflicting options: either specify --host or --context, not both");
    if (!options_.context.empty()) return options_.context;
    if (!options_.hosts.empty() || !environment({"DAVIT_HOST", "DOCKER_HOST"}).empty()) return std::string(kDefault);
    const std::string named = environment({"DAVIT_CONTEXT", "DOCKER_CONTEXT"});
    if (!named.empty()) return named;
    const std::string configured = config_.text("currentContext");
    return configured.empty() ? std::string(kDefault) : configured;
}

Context ContextStore::current() const { return get(currentName()); }

Context ContextStore::defaultContext() const {
    Context context;
    context.name = kDefault;
    context.meta_path = context.tls_path = "<IN MEMORY>";
    context.description = "Current DOCKER_HOST based configuration";
    const std::string named = environment({"DAVIT_HOST", "DOCKER_HOST"});
    if (!options_.hosts.empty())
        context.endpoint.host = options_.hosts.front();
    else if (!named.empty())
        context.endpoint.host = named;
    const bool verify = options_.tls_verify || !environment({"DOCKER_TLS_VERIFY"}).empty();
    context.endpoint.tls = verify || options_.tls || !environment({"DOCKER_TLS"}).empty();
    context.endpoint.skip_verify = !verify;
    if (!context.endpoint.tls) return context;
    const std::string named_directory = environment({"DOCKER_CERT_PATH"});
    const fs::path directory = named_directory.empty() ? config_.directory() : named_directory;
    const auto file = [&](const std::string& given, const char* name) {
        return given.empty() ? existing(directory / name) : given;
    };
    context.endpoint.ca = file(options_.tls_ca, "ca.pem");
    context.endpoint.cert = file(options_.tls_cert, "cert.pem");
    context.endpoint.key = file(options_.tls_key, "key.pem");
    return context;
}

std::vector<Context> ContextStore::list() const {
    std::vector<Context> all;
    std::error_code missing;
    for (const fs::directory_entry& entry : fs::directory_iterator(root() + "/meta", missing)) {
        try {
            all.push_back(readContext(entry.path(), root() + "/tls"));
        } catch (const Error& failure) {  // one damaged context never hides the others
            Context broken;
            broken.name = entry.path().filename();
            broken.error = failure.text();
            all.push_back(broken);
        }
    }
    std::sort(all.begin(), all.end(), [](const Context& a, const Context& b) { return a.name < b.name; });
    all.insert(all.begin(), defaultContext());
    return all;
}

Context ContextStore::get(const std::string& name) const {
    if (name == kDefault) return defaultContext();
    for (const Context& context : list())
        if (context.name == name && context.error.empty()) return context;
    throw error(Code::not_found,
                "context \"{}\": context not found: open {}/meta/{}/meta.json: no such file or directory", name, root(),
                name);
}

bool ContextStore::exists(const std::string& name) const {
    const std::vector<Context> all = list();
    return std::any_of(all.begin(), all.end(), [&](const Context& context) { return context.name == name; });
}

void ContextStore::save(const Context& context) const {
    validateName(context.name);
    const std::string directory = context.meta_path.empty() ? root() + "/meta/" + context.name : context.meta_path;
    const fs::path tls = root() + "/tls/" + fs::path(directory).filename().string() + "/docker";
    copyPem(context.endpoint.ca, tls / "ca.pem");
    copyPem(context.endpoint.cert, tls / "cert.pem");
    copyPem(context.endpoint.key, tls / "key.pem");
    json::Writer out;
    out.object([&] {
        out.member("Name", context.name);
        out.object("Metadata", [&] {
            if (!context.description.empty()) out.member("Description", context.description);
        });
        out.object("Endpoints", [&] {
            out.object("docker", [&] {
                out.member("Host", context.endpoint.host).member("SkipTLSVerify", context.endpoint.skip_verify);
            });
        });
    });
    makeDirectories(directory, 0755);
    writeFileAtomically(directory + "/meta.json", out.text(), 0644);
}

void ContextStore::remove(const std::string& name) const {
    const Context context = get(name);
    removeTree(context.tls_path);
    removeTree(context.meta_path);
}

void ContextStore::validateName(const std::string& name) {
    if (name.empty()) throw Error(Code::invalid, "context name cannot be empty");
    if (name == kDefault) throw Error(Code::invalid, "\"default\" is a reserved context name");
    constexpr std::string_view kAlnum = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const bool well_formed = name.size() > 1 && kAlnum.find(name[0]) != std::string_view::npos &&
                             name.find_first_not_of(std::string(kAlnum) + "_.+-") == std::string::npos;
    if (!well_formed)
        throw error(
            Code::invalid,
            "context name \"{}\" is invalid, names are validated against regexp \"^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$\"",
            name);
}

}  // namespace davit::cli
