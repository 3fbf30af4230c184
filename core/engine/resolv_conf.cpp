#include "engine/resolv_conf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.hpp"
#include "base/file.hpp"

namespace davit::engine {
namespace {

constexpr const char* kHostFile = "/etc/resolv.conf";
constexpr std::string_view kStub = "127.0.0.53";
constexpr const char* kBehindStub = "/run/systemd/resolve/resolv.conf";
constexpr std::string_view kEmbedded = "127.0.0.11";
constexpr std::string_view kBlank = " \t\r";

/// Docker's, where nothing else can be asked.
const std::vector<std::string> kPublicServers{"8.8.8.8", "8.8.4.4"};
const std::vector<std::string> kPublicServersV6{"2001:4860:4860::8888", "2001:4860:4860::8844"};

std::string readText(const char* path) {
    try {
        return readFile(path).value_or("");
    } catch (const Error&) {  // unreadable or absurdly long: as good as missing
        return {};
    }
}

std::vector<std::string> words(std::string_view line) {
    std::vector<std::string> result;
    while (true) {
        line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
        if (line.empty()) return result;
        const std::size_t end = std::min(line.find_first_of(kBlank), line.size());
        result.emplace_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

void readLine(std::string_view line, ResolvConf& conf) {
    std::vector<std::string> found = words(line);
    if (found.empty() || found[0][0] == '#' || found[0][0] == ';') return;
    const std::string keyword = std::move(found[0]);
    found.erase(found.begin());
    if (keyword == "nameserver") {
        if (!found.empty()) conf.servers.push_back(found[0]);
    } else if (keyword == "search" || keyword == "domain") {
        if (!found.empty()) conf.search = std::move(found);  // the last one counts
    } else if (keyword == "options") {
        conf.options.insert(conf.options.end(), found.begin(), found.end());
    } else {
        conf.others.emplace_back(line);
    }
}

ResolvConf parse(std::string_view text) {
    ResolvConf conf;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        readLine(text.substr(0, end), conf);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return conf;
}

bool isLoopback(std::string_view address) { return address.starts_with("127.") || address == "::1"; }
bool isV6(std::string_view address) { return address.find(':') != std::string_view::npos; }

std::vector<std::string> reachable(const ResolvConf& conf, bool has_ipv6) {
    if (conf.servers_chosen) return conf.servers;
    std::vector<std::string> servers;
    for (const std::string& server : conf.servers)
        if (!isLoopback(server) && (has_ipv6 || !isV6(server))) servers.push_back(server);
    if (!servers.empty()) return servers;
    servers = kPublicServers;
    if (has_ipv6) servers.insert(servers.end(), kPublicServersV6.begin(), kPublicServersV6.end());
    return servers;
}

/// std::nullopt for one that makes no sense.
std::optional<unsigned> ndots(const ResolvConf& conf) {
    const std::string* const text = conf.option("ndots");
    unsigned value = 0;
    if (text == nullptr) return std::nullopt;
    const auto [end, bad] = std::from_chars(text->data() + text->find(':') + 1, text->data() + text->size(), value);
    if (bad != std::errc() || end != text->data() + text->size()) return std::nullopt;
    return value;
}

}  // namespace

const std::string* ResolvConf::option(std::string_view name) const {
    const auto found = std::find_if(options.rbegin(), options.rend(), [&](const std::string& one) {
        return one == name || (one.starts_with(name) && one[name.size()] == ':');
    });
    return found == options.rend() ? nullptr : &*found;
}

std::string readHostResolvConf(Resolving resolving) {
    std::string text = readText(kHostFile);
    if (resolving == Resolving::host) return text;
    const ResolvConf conf = parse(text);
    if (conf.servers.size() != 1 || conf.servers[0] != kStub) return text;
    std::string behind = readText(kBehindStub);
    return behind.empty() ? text : behind;
}

ResolvConf resolvConf(const runtime::HostConfig& config, std::string_view host) {
    ResolvConf conf = parse(host);
    if (!config.dns.empty()) {
        conf.servers = config.dns;
        conf.servers_chosen = true;
    }
    if (!config.dns_search.empty()) {
        conf.search = config.dns_search;
        std::erase(conf.search, ".");  // which says: none at all
    }
    if (!config.dns_options.empty()) conf.options = config.dns_options;
    return conf;
}

std::string render(const ResolvConf& conf, Resolving resolving, bool has_ipv6) {
    std::vector<std::string> servers = conf.servers;
    std::vector<std::string> options = conf.options;
    if (resolving == Resolving::direct) servers = reachable(conf, has_ipv6);
    if (resolving == Resolving::embedded) {
        servers = {std::string(kEmbedded)};
        if (!ndots(conf)) {
            std::erase_if(options, [](const std::string& one) { return one == "ndots" || one.starts_with("ndots:"); });
            options.emplace_back("ndots:0");
        }
    }
    std::string text;
    for (const std::string& server : servers) text += fmt::format("nameserver {}\n", server);
    if (!conf.search.empty()) text += fmt::format("search {}\n", fmt::join(conf.search, " "));
    if (!options.empty()) text += fmt::format("options {}\n", fmt::join(options, " "));
    for (const std::string& line : conf.others) text += line + "\n";
    return text;
}

network::NameServers nameServers(const ResolvConf& conf) {
    return {.addresses = conf.servers.empty() ? kPublicServers : conf.servers,
            .chosen = conf.servers_chosen || conf.servers.empty(),
            .ndots_set = ndots(conf).value_or(0) > 0};
}

}  // namespace davit::engine
