#include "engine/etc_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>

#include "base/check.hpp"
#include "base/file.hpp"
#include "oci/digest.hpp"

namespace davit::engine {
namespace {

constexpr std::string_view kHostsBase =
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::\tip6-localnet\n"
    "ff00::\tip6-mcastprefix\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n";

/// In place, not by rename: a file that another container shares must stay the same inode.
void writeInPlace(const std::filesystem::path& path, std::string_view text) {
    const UniqueFd file = openFile(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
    writeAll(file.get(), text);
}

/// Nanoseconds that stand for a text.
long seal(std::string_view text) {
    constexpr int kHex = 16;
    constexpr long kSecond = 1'000'000'000;
    const std::string digest = oci::sha256(text);
    return static_cast<long>(std::stoul(std::string(oci::digestHex(digest).substr(0, 8)), nullptr, kHex) % kSecond);
}

/// With the seal as the nanoseconds of its time: so a change by the container shows, without a second file.
void writeSealed(const std::filesystem::path& path, std::string_view text) {
    writeInPlace(path, text);
    const timespec times[] = {{0, UTIME_OMIT}, {std::time(nullptr), seal(text)}};
    check(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), "set the time of {}", path.string());
}

bool isSealed(const std::filesystem::path& path, std::string_view text) {
    struct stat file {};
    return ::lstat(path.c_str(), &file) == 0 && file.st_mtim.tv_nsec == seal(text);
}

std::string readHostFile(const char* path) {
    try {
        return readFile(path).value_or("");
    } catch (const Error&) {  // unreadable or absurdly long: as good as missing
        return {};
    }
}

bool hasIpv6(const Container& container) {
    return std::any_of(container.network.networks.begin(), container.network.networks.end(),
                       [](const auto& item) { return !item.second.global_ipv6_address.empty(); });
}

std::string resolverText(const Container& container, Resolving resolving) {
    return render(resolvConf(*container.host_config, readHostResolvConf(resolving)), resolving, hasIpv6(container));
}

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

void writeHosts(const std::filesystem::path& directory, const Container& container, const HostsExtras& extras) {
    writeInPlace(directory / "hosts", hostsFile(container, extras, kHostsBase));
}

void writeEtcFiles(const std::filesystem::path& directory, Resolving resolving, Container& container, const HostsExtras& extras) {
    makeDirectories(directory, 0710);  // somebody may have removed it; nothing in it is needed for a start
    const auto write = [&](const char* name, std::string_view text) {
        const std::filesystem::path path = directory / name;
        writeInPlace(path, text);
        return path.string();
    };
    container.hostname_path = write("hostname", container.config->hostname + "\n");
    const bool host_network = resolving == Resolving::host;
    const std::string host_hosts = host_network ? readHostFile("/etc/hosts") : std::string();
    container.hosts_path = write("hosts", hostsFile(container, extras, host_network ? host_hosts : kHostsBase));
    writeSealed(directory / "resolv.conf", resolverText(container, resolving));
    container.resolv_conf_path = directory / "resolv.conf";
}

void updateResolvConf(const std::filesystem::path& directory, const Container& container) {
    const std::filesystem::path path = directory / "resolv.conf";
    const std::optional<std::string> now = readFile(path);
    if (!now || !isSealed(path, *now)) return;
    const std::string text = resolverText(container, Resolving::embedded);
    if (text != *now) writeSealed(path, text);
}

}  // namespace davit::engine
