#include "firewall.hpp"

#include <nftables/libnftables.h>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "port_elements.hpp"

namespace davit::bridge {

void Firewall::Release::operator()(nft_ctx* context) const noexcept { ::nft_ctx_free(context); }

Firewall::Firewall() = default;
Firewall::~Firewall() = default;

nft_ctx& Firewall::context() {
    if (context_) return *context_;
    context_.reset(::nft_ctx_new(NFT_CTX_DEFAULT));
    if (!context_ || ::nft_ctx_buffer_error(context_.get()) != 0 || ::nft_ctx_buffer_output(context_.get()) != 0)
        throw Error(Code::system, "open nftables: out of memory");
    return *context_;
}

void Firewall::execute(const std::string& commands) {
    if (commands.empty()) return;
    nft_ctx& nft = context();
    if (::nft_run_cmd_from_buffer(&nft, commands.c_str()) == 0) return;
    std::string text = ::nft_ctx_get_error_buffer(&nft);
    if (const auto end = text.find('\n'); end != std::string::npos) text.resize(end);
    throw error(Code::system, "change the packet filter: {}", text);
}

const linux::NetlinkSocket& Firewall::socket() {
    if (!socket_) socket_.emplace(linux::NetlinkFamily::netfilter);
    return *socket_;
}

bool Firewall::needed() const { return !model_.networks.empty() || model_.drop_foreign_ipv4 || model_.drop_foreign_ipv6; }

void Firewall::executeWhole() {
    execute(needed() ? wholeRules(model_) : noRules());
    made_ = needed();
}

template <class Shortcut>
void Firewall::bring(const Shortcut& shortcut) {
    try {
        if (!made_) throw Error(Code::not_found, "no tables yet");
        shortcut();
    } catch (const Error&) {
        // Somebody took our tables or parts of them away, or this is the beginning: everything anew, and what fails then is real.
        socket_.reset();
        ++rebuilds_;
        executeWhole();
    }
}

void Firewall::restore(FirewallModel model) {
    const Lock lock(mutex_);
    model_ = std::move(model);
    executeWhole();
}

void Firewall::addNetwork(const Network& network) {
    const Lock lock(mutex_);
    model_.networks[network.id] = network;
    Defer undo([&] {
        mutex_.assertHeld();
        model_.networks.erase(network.id);
    });
    bring([&] {
        mutex_.assertHeld();
        execute(addNetworkRules(network));
    });
    undo.dismiss();
}

void Firewall::removeNetwork(const std::string& id) {
    const Lock lock(mutex_);
    const auto node = model_.networks.extract(id);
    if (!node) return;
    std::vector<PortElement> ports;
    std::erase_if(model_.publications, [&](const auto& entry) {
        if (entry.second.network_id != id) return false;
        for (PortElement& element : portElements(node.mapped(), entry.second.ports)) ports.push_back(std::move(element));
        return true;
    });
    if (model_.networks.empty()) made_ = false;  // the tables go, or are made anew without it
    bring([&] {
        mutex_.assertHeld();
        changeElements(socket(), Change::remove, ports);
        execute(removeNetworkRules(node.mapped()));
    });
}

void Firewall::publish(const std::string& endpoint, const std::string& network_id, const std::vector<PublishedPort>& ports) {
    const Lock lock(mutex_);
    const auto network = model_.networks.find(network_id);
    if (network == model_.networks.end()) throw error(Code::not_found, "network {} not found", network_id);
    model_.publications[endpoint] = {network_id, ports};
    Defer undo([&] {
        mutex_.assertHeld();
        model_.publications.erase(endpoint);
    });
    bring([&] {
        mutex_.assertHeld();
        changeElements(socket(), Change::add, portElements(network->second, ports));
    });
    undo.dismiss();
}

void Firewall::unpublish(const std::string& endpoint) {
    const Lock lock(mutex_);
    const auto node = model_.publications.extract(endpoint);
    if (!node) return;
    const auto network = model_.networks.find(node.mapped().network_id);
    if (network == model_.networks.end()) return;
    bring([&] {
        mutex_.assertHeld();
        changeElements(socket(), Change::remove, portElements(network->second, node.mapped().ports));
    });
}

void Firewall::dropForeign(IpFamily family) {
    const Lock lock(mutex_);
    bool& drop = family == IpFamily::v4 ? model_.drop_foreign_ipv4 : model_.drop_foreign_ipv6;
    drop = true;
    Defer undo([&] { drop = false; });
    executeWhole();
    undo.dismiss();
}

void Firewall::rebuild() {
    const Lock lock(mutex_);
    if (!needed()) return;
    ++rebuilds_;
    executeWhole();
}

std::string Firewall::list(const std::string& command) {
    nft_ctx& nft = context();
    ::nft_ctx_output_set_flags(&nft, NFT_CTX_OUTPUT_HANDLE);
    const bool listed = ::nft_run_cmd_from_buffer(&nft, command.c_str()) == 0;
    ::nft_ctx_output_set_flags(&nft, 0);
    (void)::nft_ctx_get_error_buffer(&nft);  // emptied: that there is none is no fault
    const std::string text = ::nft_ctx_get_output_buffer(&nft);
    return listed ? text : std::string();
}

std::string Firewall::listForward(IpFamily family) { return list(family == IpFamily::v4 ? "list chain ip filter FORWARD" : "list chain ip6 filter FORWARD"); }

void Firewall::meetOthers(Look look) {
    const Lock lock(mutex_);
    for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
        const auto met = met_.find(family);
        if (look == Look::always || met == met_.end() || met->second.found.drops) meetOthers(family);
    }
}

void Firewall::meetOthers(IpFamily family) {
    const ForeignForward found = readForward(listForward(family));
    std::set<std::string> own;
    for (const auto& [id, network] : model_.networks)
        if (network.subnet(family)) own.insert(network.bridge);
    Met& met = met_[family];
    if (found != met.found || own != met.own) {
        execute(forwardCommands(family, found, own));
        met = {readForward(listForward(family)), own};
    }
    auto& others = family == IpFamily::v4 ? model_.others_ipv4 : model_.others_ipv6;
    if (others == found.bridges) return;
    others = found.bridges;
    if (!made_) return;
    bring([&] {
        mutex_.assertHeld();
        execute(otherBridgesRules(family, others));
    });
}

}  // namespace davit::bridge
