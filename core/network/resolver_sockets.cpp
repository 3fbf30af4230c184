#include "network/resolver_sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string_view>

#include "base/check.hpp"
#include "base/file.hpp"
#include "linux/netlink/batch.hpp"
#include "linux/netlink/in_namespace.hpp"

namespace davit::network {
namespace {

constexpr std::uint32_t kAddress = 0x7f00000b;  // 127.0.0.11
constexpr std::uint16_t kPort = 53;
// The same whenever it is free: the kernel remembers for a client's socket where its questions went, so one that goes on asking
// reaches the sockets that replace others.
constexpr std::uint16_t kUsualPort = 53053;
constexpr int kQueue = 4 << 20;  // bytes of datagrams that wait: some thousand
constexpr int kBacklog = 128;
constexpr const char* kTable = "davit_names";
constexpr const char* kChain = "output";
constexpr std::uint32_t kDestinationPriority = static_cast<std::uint32_t>(-100);

constexpr std::size_t kDestinationOffset = 16;  // in an IPv4 header
constexpr std::size_t kPortOffset = 2;          // of the destination, in TCP's and UDP's

template <typename Number>
std::string_view bytesOf(const Number& number) {
    return {reinterpret_cast<const char*>(&number), sizeof number};
}

bool bindTo(const UniqueFd& socket, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(kAddress);
    address.sin_port = htons(port);
    return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

UniqueFd openAt(int type) {
    UniqueFd socket(check(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "open the resolver's socket"));
    constexpr int kOn = 1;
    if (type == SOCK_STREAM)  // connections of an earlier one may be ending
        check(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn), "prepare the resolver's socket");
    if (!bindTo(socket, kUsualPort) && !bindTo(socket, 0)) throw Error::system("bind the resolver's socket", errno);
    return socket;
}

std::uint16_t portOf(const UniqueFd& socket) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    check(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), "read the port of the resolver's socket");
    return ntohs(address.sin_port);
}

/// The messages of one rule, expression by expression.
class Rule {
  public:
    explicit Rule(linux::NetlinkBatch& batch) : batch_(batch) {}

    void payloadIs(std::uint32_t base, std::size_t offset, std::string_view value) {
        expression("payload", [&] {
            number(NFTA_PAYLOAD_DREG, NFT_REG_1);
            number(NFTA_PAYLOAD_BASE, base);
            number(NFTA_PAYLOAD_OFFSET, static_cast<std::uint32_t>(offset));
            number(NFTA_PAYLOAD_LEN, static_cast<std::uint32_t>(value.size()));
        });
        equals(value);
    }
    void protocolIs(std::uint8_t protocol) {
        expression("meta", [&] {
            number(NFTA_META_DREG, NFT_REG_1);
            number(NFTA_META_KEY, NFT_META_L4PROTO);
        });
        equals(bytesOf(protocol));
    }
    void toPort(std::uint16_t port) {
        const std::uint16_t ordered = htons(port);
        expression("immediate", [&] {
            number(NFTA_IMMEDIATE_DREG, NFT_REG_1);
            data(NFTA_IMMEDIATE_DATA, bytesOf(ordered));
        });
        expression("nat", [&] {
            number(NFTA_NAT_TYPE, NFT_NAT_DNAT);
            number(NFTA_NAT_FAMILY, NFPROTO_IPV4);
            number(NFTA_NAT_REG_PROTO_MIN, NFT_REG_1);
            number(NFTA_NAT_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
        });
    }

  private:
    void number(unsigned type, std::uint32_t value) { batch_.number(type, htonl(value)); }
    void data(unsigned type, std::string_view value) {
        batch_.openNest(type | NLA_F_NESTED);
        batch_.attribute(NFTA_DATA_VALUE, value);
        batch_.closeNest();
    }
    void equals(std::string_view value) {
        expression("cmp", [&] {
            number(NFTA_CMP_SREG, NFT_REG_1);
            number(NFTA_CMP_OP, NFT_CMP_EQ);
            data(NFTA_CMP_DATA, value);
        });
    }
    template <typename Content>
    void expression(const char* name, Content&& content) {
        batch_.openNest(NFTA_LIST_ELEM | NLA_F_NESTED);
        batch_.text(NFTA_EXPR_NAME, name);
        batch_.openNest(NFTA_EXPR_DATA | NLA_F_NESTED);
        content();
        batch_.closeNest();
        batch_.closeNest();
    }
    linux::NetlinkBatch& batch_;
};

nfgenmsg header(int family, unsigned resource = 0) {
    nfgenmsg result{};
    result.nfgen_family = static_cast<std::uint8_t>(family);
    result.version = NFNETLINK_V0;
    result.res_id = htons(static_cast<std::uint16_t>(resource));
    return result;
}

void begin(linux::NetlinkBatch& batch, int message, std::uint16_t flags, const char* what) {
    batch.begin(static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message), flags, what);
    batch.header(header(NFPROTO_IPV4));
}

void addTable(linux::NetlinkBatch& batch, std::uint16_t flags) {
    begin(batch, NFT_MSG_NEWTABLE, static_cast<std::uint16_t>(NLM_F_CREATE | flags), "add the resolver's packet filter table");
    batch.text(NFTA_TABLE_NAME, kTable);
}

void addChain(linux::NetlinkBatch& batch) {
    begin(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE, "add the resolver's packet filter chain");
    batch.text(NFTA_CHAIN_TABLE, kTable);
    batch.text(NFTA_CHAIN_NAME, kChain);
    batch.openNest(NFTA_CHAIN_HOOK | NLA_F_NESTED);
    batch.number(NFTA_HOOK_HOOKNUM, htonl(NF_INET_LOCAL_OUT));
    batch.number(NFTA_HOOK_PRIORITY, htonl(kDestinationPriority));
    batch.closeNest();
    batch.text(NFTA_CHAIN_TYPE, "nat");
}

void addRule(linux::NetlinkBatch& batch, std::uint8_t protocol, std::uint16_t port) {
    begin(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, "add the resolver's packet filter rule");
    batch.text(NFTA_RULE_TABLE, kTable);
    batch.text(NFTA_RULE_CHAIN, kChain);
    batch.openNest(NFTA_RULE_EXPRESSIONS | NLA_F_NESTED);
    Rule rule(batch);
    rule.payloadIs(NFT_PAYLOAD_NETWORK_HEADER, kDestinationOffset, bytesOf(htonl(kAddress)));
    rule.protocolIs(protocol);
    rule.payloadIs(NFT_PAYLOAD_TRANSPORT_HEADER, kPortOffset, bytesOf(htons(kPort)));
    rule.toPort(port);
    batch.closeNest();
}

/// In the namespace of the calling thread.
void redirect(std::uint16_t udp_port, std::uint16_t tcp_port, bool replace) {
    linux::NetlinkBatch batch;
    batch.beginUnanswered(NFNL_MSG_BATCH_BEGIN, "change the resolver's packet filter");
    batch.header(header(AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
    if (replace) {
        addTable(batch, 0);
        begin(batch, NFT_MSG_DELTABLE, 0, "remove the resolver's packet filter table");
        batch.text(NFTA_TABLE_NAME, kTable);
    }
    addTable(batch, replace ? 0 : NLM_F_EXCL);
    addChain(batch);
    addRule(batch, IPPROTO_UDP, udp_port);
    addRule(batch, IPPROTO_TCP, tcp_port);
    batch.beginUnanswered(NFNL_MSG_BATCH_END, "change the resolver's packet filter");
    batch.header(header(AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
    batch.run(linux::NetlinkSocket(linux::NetlinkFamily::netfilter));
}

}  // namespace

ResolverSockets openResolverSockets(const std::filesystem::path& path) {
    ResolverSockets sockets;
    sockets.network_namespace = openFile(path, O_RDONLY);
    linux::inNetworkNamespace(sockets.network_namespace.get(), [&] {
        sockets.udp = openAt(SOCK_DGRAM);
        sockets.tcp = openAt(SOCK_STREAM);
        check(::listen(sockets.tcp.get(), kBacklog), "listen for the resolver");
        // The size is a wish: without it a burst loses datagrams, which their senders repeat.
        (void)::setsockopt(sockets.udp.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kQueue, sizeof kQueue);
        try {
            redirect(portOf(sockets.udp), portOf(sockets.tcp), false);
        } catch (const Error& failure) {
            if (failure.sysErrno() != EEXIST) throw;
            redirect(portOf(sockets.udp), portOf(sockets.tcp), true);
        }
    });
    return sockets;
}

}  // namespace davit::network
