#include "port_elements.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <algorithm>

#include "base/check.hpp"

namespace davit::bridge {
namespace {

constexpr std::size_t kWord = 4;

Field addressField(const IpAddress& address) { return {.kind = Field::Kind::address, .address = address}; }
Field protocolField(Protocol protocol) { return {.kind = Field::Kind::protocol, .address = {}, .number = static_cast<unsigned>(protocol)}; }
Field portField(std::uint16_t port) { return {.kind = Field::Kind::port, .address = {}, .number = port}; }

PortElement translation(const PublishedPort& port) {
    PortElement element{.family = port.host.family,
                        .set = "published",
                        .key = {protocolField(port.protocol), portField(port.host_port)},
                        .value = {addressField(port.container), portField(port.port)}};
    if (port.host.number == 0) return element;
    element.set = "published_at";
    element.key.insert(element.key.begin(), addressField(port.host));
    return element;
}

std::string joined(const std::vector<Field>& fields, const char* between, std::string (Field::*render)() const) {
    std::string result;
    for (const Field& field : fields) result += (result.empty() ? "" : between) + (field.*render)();
    return result;
}

nfgenmsg header(int family, unsigned resource = 0) {
    nfgenmsg result{};
    result.nfgen_family = static_cast<std::uint8_t>(family);
    result.version = NFNETLINK_V0;
    result.res_id = htons(static_cast<std::uint16_t>(resource));
    return result;
}

void data(linux::NetlinkBatch& batch, unsigned type, const std::vector<Field>& fields) {
    batch.openNest(type | NLA_F_NESTED);
    batch.attribute(NFTA_DATA_VALUE, joined(fields, "", &Field::bytes));
    batch.closeNest();
}

void message(linux::NetlinkBatch& batch, Change change, const PortElement& element) {
    const bool adding = change == Change::add;
    const int type = NFNL_SUBSYS_NFTABLES << 8 | (adding ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM);
    batch.begin(static_cast<std::uint16_t>(type), adding ? NLM_F_CREATE : 0,
                fmt::format("{} {} {} the packet filter's {}", adding ? "add" : "remove", element.keyText(), adding ? "to" : "from", element.set));
    batch.header(header(element.family == IpFamily::v4 ? NFPROTO_IPV4 : NFPROTO_IPV6));
    batch.text(NFTA_SET_ELEM_LIST_TABLE, "davit");
    batch.text(NFTA_SET_ELEM_LIST_SET, element.set);
    batch.openNest(NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
    batch.openNest(NFTA_LIST_ELEM | NLA_F_NESTED);
    data(batch, NFTA_SET_ELEM_KEY, element.key);
    if (adding && !element.value.empty()) data(batch, NFTA_SET_ELEM_DATA, element.value);
    batch.closeNest();
    batch.closeNest();
}

}  // namespace

std::string Field::text() const {
    if (kind == Kind::address) return address.text();
    return kind == Kind::protocol ? std::string(protocolName(static_cast<Protocol>(number))) : std::to_string(number);
}

std::string Field::bytes() const {
    std::string result;
    if (kind == Kind::address)
        for (unsigned shift = ipBits(address.family); shift > 0; shift -= 8)
            result += static_cast<char>(static_cast<std::uint8_t>(address.number >> (shift - 8)));
    if (kind == Kind::port) result += static_cast<char>(number >> 8U);
    if (kind != Kind::address) result += static_cast<char>(number & 0xffU);
    result.resize((result.size() + kWord - 1) / kWord * kWord, '\0');
    return result;
}

std::string PortElement::keyText() const { return joined(key, " . ", &Field::text); }
std::string PortElement::valueText() const { return joined(value, " . ", &Field::text); }

std::vector<PortElement> portElements(const Network& network, const std::vector<PublishedPort>& ports) {
    std::vector<PortElement> elements;
    std::vector<std::string> opened;  // a port that is published at several addresses is opened once
    for (const PublishedPort& port : ports) {
        if (!network.subnet(port.container.family)) continue;
        if (port.translated()) elements.push_back(translation(port));
        if (!port.direct && network.trusted_interfaces.empty()) continue;
        const PortElement open{.family = port.container.family,
                               .set = "open_ports",
                               .key = {addressField(port.container), protocolField(port.protocol), portField(port.port)},
                               .value = {}};
        if (std::find(opened.begin(), opened.end(), open.keyText()) != opened.end()) continue;
        opened.push_back(open.keyText());
        elements.push_back(open);
    }
    return elements;
}

void changeElements(const linux::NetlinkSocket& socket, Change change, const std::vector<PortElement>& elements) {
    if (elements.empty()) return;
    linux::NetlinkBatch batch;
    batch.beginUnanswered(NFNL_MSG_BATCH_BEGIN, "change the packet filter");
    batch.header(header(AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
    for (const PortElement& element : elements) message(batch, change, element);
    batch.beginUnanswered(NFNL_MSG_BATCH_END, "change the packet filter");
    batch.header(header(AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
    batch.run(socket);
}

}  // namespace davit::bridge
