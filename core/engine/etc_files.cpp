#include "engine/etc_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"

namespace davit::engine {
namespace {

constexpr std::string_view kHostsBase =
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::\tip6-localnet\n"
    "ff00::\tip6-mcastprefix\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n";

// Docker's, for containers whose host has nothing but resolvers of its own on the loopback.
constexpr std::string_view kFallbackServers = "nameserver 8.8.8.8\nnameserver 8.8.4.4\n";

/// In place, not by rename: a file that another container shares must stay the same inode.
void writeInPlace(const std::filesystem::path& path, std::string_view text) {
    const UniqueFd file = openFile(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
    writeAll(file.get(), text);
}

std::string readHostFile(const char* path) {
    try {
        return readFile(path).value_or("");
    } catch (const Error&) {  // unreadable or absurdly long: as good as missing
        return {};
    }
}

/// The first word of `line`, and the rest without the blanks around it.
std::pair<std::string_view, std::string_view> firstWord(std::string_view line) {
    constexpr std::string_view kBlank = " \t\r";
    const std::size_t start = std::min(line.find_first_not_of(kBlank), line.size());
    line.remove_prefix(start);
    const std::size_t end = std::min(line.find_first_of(kBlank), line.size());
    std::string_view rest = line.substr(end);
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlank), rest.size()));
    if (const std::size_t last = rest.find_last_not_of(kBlank); last != std::string_view::npos)
        rest = rest.substr(0, last + 1);
    return {line.substr(0, end), rest};
}

bool isLoopback(std::string_view address) { return address.starts_with("127.") || address == "::1"; }

}  // namespace

std::string hostsFile(const Container& container, const HostsExtras& extras, std::string_view base) {
    std::string text(base);
    if (!text.empty() && text.back() != '\n') text += '\n';
    for (const std::string& extra : container.host_config->extra_hosts) {
        // "name:address" or "name=address"; the address may hold colons itself.
        const std::size_t separator = extra.find_first_of(":=");
        if (separator == std::string::npos) continue;
        const std::string address = extra.substr(separator + 1);
        const std::vector<std::string> addresses = address == kHostGateway ? extras.gateways : std::vector{address};
        for (const std::string& one : addresses) text += fmt::format("{}\t{}\n", one, extra.substr(0, separator));
    }
    for (const std::string& line : extras.lines) text += line + "\n";
    const runtime::ContainerConfig& config = *container.config;
    const std::string names = config.domainname.empty() ? config.hostname
                                                        : fmt::format("{0}.{1} {0}", config.hostname, config.domainname);
    for (const auto& [name, endpoint] : container.network.networks)
        for (const std::string* address : {&endpoint.ip_address, &endpoint.global_ipv6_address})
            if (!address->empty()) text += fmt::format("{}\t{}\n", *address, names);
    return text;
}

std::string resolvConf(const runtime::HostConfig& config, std::string_view host, bool host_network) {
    std::string servers;
    std::string search;
    std::string options;
    std::string others;
    while (!host.empty()) {
        const std::size_t end = std::min(host.find('\n'), host.size());
        const std::string_view line = host.substr(0, end);
        host.remove_prefix(std::min(end + 1, host.size()));
        const auto [word, rest] = firstWord(line);
        if (word == "nameserver" && (host_network || !isLoopback(rest)))
            servers += fmt::format("nameserver {}\n", rest);
        else if (word == "search" || word == "domain")
            search = fmt::format("search {}\n", rest);
        else if (word == "options")
            options = fmt::format("options {}\n", rest);
        else if (!word.empty() && word != "nameserver" && word[0] != '#' && word[0] != ';')
            others += fmt::format("{}\n", line);
    }
    if (!config.dns.empty()) {
        servers.clear();
        for (const std::string& server : config.dns) servers += fmt::format("nameserver {}\n", server);
    }
    if (!config.dns_search.empty()) {
        // "." says: no search list at all.
        const bool none = config.dns_search.size() == 1 && config.dns_search[0] == ".";
        search = none ? std::string() : fmt::format("search {}\n", fmt::join(config.dns_search, " "));
    }
    if (!config.dns_options.empty()) options = fmt::format("options {}\n", fmt::join(config.dns_options, " "));
    return others + servers + search + options;
}

void writeHosts(const std::filesystem::path& directory, const Container& container, const HostsExtras& extras) {
    writeInPlace(directory / "hosts", hostsFile(container, extras, kHostsBase));
}

void writeEtcFiles(const std::filesystem::path& directory, bool host_network, Container& container, const HostsExtras& extras) {
    makeDirectories(directory, 0710);  // somebody may have removed it; nothing in it is needed for a start
    const auto write = [&](const char* name, std::string_view text) {
        const std::filesystem::path path = directory / name;
        writeInPlace(path, text);
        return path.string();
    };
    container.hostname_path = write("hostname", container.config->hostname + "\n");
    const std::string host_hosts = host_network ? readHostFile("/etc/hosts") : std::string();
    container.hosts_path = write("hosts", hostsFile(container, extras, host_network ? host_hosts : kHostsBase));
    std::string resolver = resolvConf(*container.host_config, readHostFile("/etc/resolv.conf"), host_network);
    const bool connected = !container.network.sandbox_key.empty();
    if (connected && resolver.find("nameserver ") == std::string::npos) resolver += kFallbackServers;
    container.resolv_conf_path = write("resolv.conf", resolver);
}

}  // namespace davit::engine
