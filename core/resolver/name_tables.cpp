#include "resolver/name_tables.hpp"

#include <algorithm>

namespace davit::resolver {
namespace {

void normalise(Membership& membership) {
    std::vector<std::string> names;
    for (const std::string& name : membership.names)
        if (std::string low = lowered(name); !low.empty() && std::find(names.begin(), names.end(), low) == names.end())
            names.push_back(std::move(low));
    membership.names = std::move(names);
    std::map<std::string, std::string> links;
    for (const auto& [alias, target] : membership.links) links[lowered(alias)] = lowered(target);
    membership.links = std::move(links);
}

}  // namespace

std::string lowered(std::string_view text) {
    std::string result(text);
    for (char& one : result)
        if (one >= 'A' && one <= 'Z') one = static_cast<char>(one - 'A' + 'a');
    return result;
}

void NameTables::set(SandboxNames names) {
    remove(names.id);
    for (Membership& membership : names.memberships) {
        normalise(membership);
        add(membership);
    }
    std::string id = names.id;
    sandboxes_.emplace(std::move(id), std::move(names));
}

void NameTables::remove(const std::string& id) {
    const auto found = sandboxes_.find(id);
    if (found == sandboxes_.end()) return;
    for (const Membership& membership : found->second.memberships) take(membership);
    sandboxes_.erase(found);
}

void NameTables::add(const Membership& membership) {
    Network& network = networks_[membership.network];
    for (const std::string& name : membership.names) {
        std::vector<IpAddress>& addresses = network.names[name];
        addresses.insert(addresses.end(), membership.addresses.begin(), membership.addresses.end());
    }
    if (membership.names.empty()) return;
    for (const IpAddress& address : membership.addresses) network.hosts[address] = membership.names.front();
}

void NameTables::take(const Membership& membership) {
    const auto at = networks_.find(membership.network);
    if (at == networks_.end()) return;
    Network& network = at->second;
    for (const std::string& name : membership.names) {
        const auto found = network.names.find(name);
        if (found == network.names.end()) continue;
        std::vector<IpAddress>& addresses = found->second;
        for (const IpAddress& address : membership.addresses)
            if (const auto one = std::find(addresses.begin(), addresses.end(), address); one != addresses.end()) addresses.erase(one);
        if (addresses.empty()) network.names.erase(found);
    }
    for (const IpAddress& address : membership.addresses) {
        // The next owner of an address may already be there.
        const auto found = network.hosts.find(address);
        if (found != network.hosts.end() && !membership.names.empty() && found->second == membership.names.front())
            network.hosts.erase(found);
    }
    if (network.names.empty() && network.hosts.empty()) networks_.erase(at);
}

const SandboxNames* NameTables::find(const std::string& id) const {
    const auto found = sandboxes_.find(id);
    return found == sandboxes_.end() ? nullptr : &found->second;
}

std::vector<std::string> NameTables::ids() const {
    std::vector<std::string> result;
    result.reserve(sandboxes_.size());
    for (const auto& [id, names] : sandboxes_) result.push_back(id);
    return result;
}

NameTables::Found NameTables::search(const SandboxNames& asking, std::string_view name, std::string_view network_name,
                                     IpFamily family, Through through) const {
    Found result;
    for (const Membership& membership : asking.memberships) {
        if (!network_name.empty() && network_name != lowered(membership.network_name)) continue;
        const auto link = membership.links.find(std::string(name));
        // A link hides whoever else has its name.
        if ((through == Through::links) != (link != membership.links.end())) continue;
        const auto network = networks_.find(membership.network);
        if (network == networks_.end()) continue;
        const auto found = network->second.names.find(through == Through::links ? std::string_view(link->second) : name);
        if (found == network->second.names.end()) continue;
        result.known = true;
        for (const IpAddress& address : found->second)
            if (address.family == family) result.addresses.push_back(address);
        if (!result.addresses.empty()) break;
    }
    return result;
}

NameTables::Found NameTables::resolve(const SandboxNames& asking, std::string_view name, IpFamily family) const {
    std::size_t end = name.size();
    while (end != std::string_view::npos && end > 0) {
        const std::string_view network_name = end == name.size() ? std::string_view() : name.substr(end + 1);
        for (const Through through : {Through::links, Through::names}) {
            Found found = search(asking, name.substr(0, end), network_name, family, through);
            if (found.known) return found;
        }
        // Names of containers and of networks may hold dots themselves: every way to cut is tried, from the right.
        end = name.rfind('.', end - 1);
    }
    return {};
}

std::string NameTables::nameOf(const SandboxNames& asking, const IpAddress& address) const {
    for (const Membership& membership : asking.memberships) {
        const auto network = networks_.find(membership.network);
        if (network == networks_.end()) continue;
        const auto found = network->second.hosts.find(address);
        if (found != network->second.hosts.end()) return found->second + "." + membership.network_name;
    }
    return {};
}

}  // namespace davit::resolver
