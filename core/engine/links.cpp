#include "engine/links.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>

#include "base/check.hpp"
#include "base/log.hpp"
#include "engine/container_network.hpp"
#include "engine/core.hpp"
#include "engine/etc_files.hpp"

namespace davit::engine {
namespace {

struct Link {
    std::string target;  ///< in a row its id
    std::string alias;
};

Link parseLink(const std::string& text) {
    const std::size_t colon = text.find(':');
    Link link{text.substr(0, colon), colon == std::string::npos ? text : text.substr(colon + 1)};
    if (link.target.empty() || link.alias.find(':') != std::string::npos) throw error(Code::invalid, "bad format for links: {}", text);
    if (link.target.starts_with('/')) link.target.erase(0, 1);
    if (link.alias.empty()) link.alias = link.target;
    link.alias.erase(0, link.alias.find_last_of('/') + 1);  // what inspect shows is also taken: "/target:/container/alias"
    return link;
}

std::vector<Link> linksOf(const Container& container) {
    std::vector<Link> links;
    for (const std::string& text : container.host_config->links) links.push_back(parseLink(text));
    return links;
}

/// Links of containers on other networks are none of ours.
bool isLegacy(const EngineCore& core, const Container& container) {
    return !container.host_config->links.empty() && container.host_config->network_mode == core.parts.networks.defaultNetwork();
}

const EndpointSettings* defaultEndpoint(const EngineCore& core, const Container& target) {
    const auto found = target.network.networks.find(core.parts.networks.defaultNetwork());
    return found == target.network.networks.end() ? nullptr : &found->second;
}

struct Linked {
    Container target;
    std::string alias;
    std::string address;
};

/// Those whose target runs on the default network now.
std::vector<Linked> liveLinks(const EngineCore& core, const Container& container) {
    std::vector<Linked> live;
    if (!isLegacy(core, container)) return live;
    for (const Link& link : linksOf(container)) {
        const EntryPtr entry = core.table.find(link.target);
        if (!entry) continue;
        Container target = entry->snapshot();
        const EndpointSettings* const endpoint = defaultEndpoint(core, target);
        if (!target.state.running() || endpoint == nullptr) continue;
        std::string address = endpoint->ip_address.empty() ? endpoint->global_ipv6_address : endpoint->ip_address;
        live.push_back({std::move(target), link.alias, std::move(address)});
    }
    return live;
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
    return text;
}

/// Writes the variables of one link.
class Variables {
  public:
    Variables(const Linked& link, const std::string& parent, std::vector<std::string>& out)
        : link_(link), prefix_(upper(link.alias)), out_(out) {
        const std::vector<network::Port> ports = sortedPorts();
        if (!ports.empty()) out_.push_back(fmt::format("{}_PORT={}", prefix_, url(ports[0])));
        for (std::size_t at = 0; at < ports.size();) {
            std::size_t end = at + 1;
            while (end < ports.size() && ports[end].protocol == ports[at].protocol && ports[end].number == ports[end - 1].number + 1) ++end;
            if (end - at > 2) addRange(ports[at], ports[end - 1]);
            for (; at < end; ++at) addPort(ports[at]);
        }
        out_.push_back(fmt::format("{}_NAME=/{}/{}", prefix_, parent, link.alias));
        for (const std::string& variable : link.target.config->env)
            if (variable.find('=') != std::string::npos && !variable.starts_with("HOME=") && !variable.starts_with("PATH="))
                out_.push_back(fmt::format("{}_ENV_{}", prefix_, variable));
    }

  private:
    /// By number, TCP first.
    [[nodiscard]] std::vector<network::Port> sortedPorts() const {
        std::vector<network::Port> ports = portSettings(*link_.target.config, *link_.target.host_config).exposed;
        std::stable_sort(ports.begin(), ports.end(), [](const network::Port& a, const network::Port& b) {
            return a.number != b.number ? a.number < b.number : a.protocol == "tcp" && b.protocol != "tcp";
        });
        return ports;
    }
    [[nodiscard]] std::string url(const network::Port& port) const {
        const bool v6 = link_.address.find(':') != std::string::npos;
        return fmt::format("{}://{}{}{}:{}", port.protocol, v6 ? "[" : "", link_.address, v6 ? "]" : "", port.number);
    }
    [[nodiscard]] std::string name(const network::Port& port) const {
        return fmt::format("{}_PORT_{}_{}", prefix_, port.number, upper(port.protocol));
    }
    void addRange(const network::Port& first, const network::Port& last) {
        out_.push_back(fmt::format("{}_START={}", name(first), url(first)));
        out_.push_back(fmt::format("{}_PORT_START={}", name(first), first.number));
        out_.push_back(fmt::format("{}_END={}", name(first), url(last)));
        out_.push_back(fmt::format("{}_PORT_END={}", name(first), last.number));
    }
    void addPort(const network::Port& port) {
        out_.push_back(fmt::format("{}={}", name(port), url(port)));
        out_.push_back(fmt::format("{}_ADDR={}", name(port), link_.address));
        out_.push_back(fmt::format("{}_PORT={}", name(port), port.number));
        out_.push_back(fmt::format("{}_PROTO={}", name(port), port.protocol));
    }

    const Linked& link_;
    const std::string prefix_;
    std::vector<std::string>& out_;
};

}  // namespace

void resolveLinks(const ContainerTable& table, runtime::HostConfig& host) {
    for (std::string& text : host.links) {
        const Link link = parseLink(text);
        try {
            text = fmt::format("{}:{}", table.resolve(link.target)->id(), link.alias);
        } catch (const Error& failure) {
            throw error(Code::invalid, "could not get container for {}: {}", link.target, failure.text());
        }
    }
}

std::vector<std::string> shownLinks(const ContainerTable& table, const Container& container) {
    std::vector<std::string> shown;
    for (const Link& link : linksOf(container))
        if (const EntryPtr target = table.find(link.target))
            shown.push_back(fmt::format("/{}:/{}/{}", target->snapshot().name, container.name, link.alias));
    return shown;
}

void checkLinks(const EngineCore& core, const Container& container) {
    if (!isLegacy(core, container)) return;
    for (const Link& link : linksOf(container)) {
        const EntryPtr entry = core.table.find(link.target);
        if (!entry) continue;  // as in Docker: the link has gone with it
        const Container target = entry->snapshot();
        if (!target.state.running())
            throw error(Code::system, "Cannot link to a non running container: /{} AS /{}/{}", target.name, container.name, link.alias);
        if (defaultEndpoint(core, target) == nullptr)
            throw error(Code::system, "Cannot link to /{}, as it does not belong to the default network", target.name);
    }
}

std::vector<std::string> linkVariables(const EngineCore& core, const Container& container) {
    std::vector<std::string> variables;
    for (const Linked& link : liveLinks(core, container)) Variables(link, container.name, variables);
    return variables;
}

std::vector<std::string> linkHosts(const EngineCore& core, const Container& container) {
    std::vector<std::string> lines;
    for (const Linked& link : liveLinks(core, container)) {
        const std::string& name = link.target.name;
        lines.push_back(fmt::format("{}\t{} {}{}", link.address, link.alias, link.target.config->hostname,
                                    name == link.alias ? std::string() : " " + name));
    }
    return lines;
}

void updateLinkedHosts(EngineCore& core, const std::string& target_id) {
    if (!core.has_links) return;
    for (const EntryPtr& entry : core.table.all()) {
        const Container container = entry->snapshot();
        if (!container.state.running() || !isLegacy(core, container)) continue;
        const std::vector<Link> links = linksOf(container);
        if (std::none_of(links.begin(), links.end(), [&](const Link& link) { return link.target == target_id; })) continue;
        try {
            writeHosts(core.runDir(container.id), container, hostsExtras(core, container));
        } catch (const Error& failure) {  // it may have ended meanwhile
            log::warning("container {}: hosts: {}", container.id, failure.text());
        }
    }
}

void removeLink(EngineCore& core, const std::string& ref) {
    const std::string name = ref.starts_with('/') ? ref.substr(1) : ref;
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos) {
        (void)core.table.resolve(name);
        throw Error(Code::conflict, "Conflict, cannot remove the default link name of the container");
    }
    const Error missing = error(Code::not_found, "No such container: {}", name);
    const EntryPtr entry = core.table.resolve(name.substr(0, slash));
    const Operation operation = entry->begin();
    Container container = entry->snapshot();
    runtime::HostConfig host = *container.host_config;
    const std::string alias = name.substr(slash + 1);
    if (std::erase_if(host.links, [&](const std::string& text) { return parseLink(text).alias == alias; }) == 0) throw Error(missing);
    container.host_config = std::make_shared<const runtime::HostConfig>(std::move(host));
    core.rows.saveConfig(container);
    entry->setHostConfig(container.host_config);
    if (container.state.running()) writeHosts(core.runDir(container.id), container, hostsExtras(core, container));
}

}  // namespace davit::engine
