#include "watch.hpp"

#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string_view>

#include "base/check.hpp"

namespace davit::bridge {
namespace {

using namespace std::chrono_literals;

// A firewall that is loaded anew is many changes: they are answered once, and whoever fights with us doesn't keep a processor busy.
constexpr auto kSettle = 100ms;
constexpr auto kBetweenRepairs = 2s;
constexpr auto kTendLater = 2s;
constexpr auto kAfterFailure = 4s;
constexpr std::uint64_t kStop = 1ULL << 32U;  // what wake_ counts

UniqueFd subscribe(int protocol, int group) {
    UniqueFd fd(check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol), "open a netlink socket"));
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    check(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind a netlink socket");
    check(::setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group), "listen to the kernel's changes");
    return fd;
}

// Every container makes links and changes them: only those that go wake this thread.
UniqueFd subscribeToLinks() {
    UniqueFd fd = subscribe(NETLINK_ROUTE, RTNLGRP_LINK);
    sock_filter program[] = {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_type)),
                             BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __builtin_bswap16(RTM_DELLINK), 0, 1), BPF_STMT(BPF_RET | BPF_K, 0x40000),
                             BPF_STMT(BPF_RET | BPF_K, 0)};
    if constexpr (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) program[1].k = RTM_DELLINK;
    const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
    check(::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter), "filter a netlink socket");
    return fd;
}

// Whether the number names a socket of this process, such as libnftables has, too. `known` are those that did; the kernel draws the
// numbers at random.
bool isOurs(std::uint32_t port, std::set<std::uint32_t>& known) {
    if (known.contains(port)) return true;
    std::error_code none;  // a directory that changes while it is read
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", none)) {
        const int fd = std::atoi(entry.path().filename().c_str());
        sockaddr_nl address{};
        socklen_t size = sizeof address;
        if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 || address.nl_family != AF_NETLINK || address.nl_pid != port) continue;
        int protocol = 0;
        size = sizeof protocol;
        if (::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == NETLINK_NETFILTER) {
            known.insert(port);
            return true;
        }
    }
    return false;
}

// In all messages of nf_tables but that of a generation the first attribute's number is the table's name.
std::string_view tableOf(const nlmsghdr& message) {
    constexpr std::size_t kStart = NLMSG_ALIGN(sizeof(nfgenmsg));
    const char* at = reinterpret_cast<const char*>(NLMSG_DATA(&message)) + kStart;
    const char* end = reinterpret_cast<const char*>(&message) + message.nlmsg_len;
    while (end - at >= static_cast<std::ptrdiff_t>(sizeof(nlattr))) {
        nlattr attribute{};
        std::memcpy(&attribute, at, sizeof attribute);
        if (attribute.nla_len < sizeof attribute || attribute.nla_len > end - at) break;
        if ((attribute.nla_type & NLA_TYPE_MASK) == NFTA_TABLE_NAME)
            return {at + sizeof attribute, ::strnlen(at + sizeof attribute, attribute.nla_len - sizeof attribute)};
        at += NLA_ALIGN(attribute.nla_len);
    }
    return {};
}

// Reads all there is. `visit` gets each message, and nullptr when some were lost.
template <class Visit>
void drain(int fd, const Visit& visit) {
    static thread_local std::array<char, 65536> buffer alignas(nlmsghdr);
    for (;;) {
        const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == ENOBUFS) {
            visit(nullptr);
            continue;
        }
        if (size <= 0) return;
        auto left = static_cast<std::uint32_t>(size);
        for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) visit(message);
    }
}

struct Touched {
    bool ours = false;    ///< our table
    bool theirs = false;  ///< the one of iptables, or of firewalld
};

Touched touchedByOthers(int fd, std::set<std::uint32_t>& own) {
    Touched touched;
    drain(fd, [&touched, &own](const nlmsghdr* message) {
        if (message == nullptr) touched = {true, true};
        if (message == nullptr || (message->nlmsg_type & 0xffU) == NFT_MSG_NEWGEN || message->nlmsg_type >> 8U != NFNL_SUBSYS_NFTABLES) return;
        const std::string_view table = tableOf(*message);
        if (table != "davit" && table != "filter" && table != "firewalld") return;
        bool& of = table == "davit" ? touched.ours : touched.theirs;
        if (!of) of = !isOurs(message->nlmsg_pid, own);
    });
    return touched;
}

// Links of containers come and go all the time; those of kind "bridge" don't. A message that only looks like one costs a look.
bool bridgesGone(int fd) {
    bool gone = false;
    drain(fd, [&gone](const nlmsghdr* message) {
        if (message == nullptr) gone = true;
        if (message == nullptr || static_cast<const ifinfomsg*>(NLMSG_DATA(message))->ifi_family != AF_UNSPEC) return;
        gone = gone || std::string_view(reinterpret_cast<const char*>(message), message->nlmsg_len).find("bridge") != std::string_view::npos;
    });
    return gone;
}

}  // namespace

Watch::~Watch() {
    std::thread thread;
    {
        const Lock lock(mutex_);
        thread.swap(thread_);
        if (wake_) (void)::eventfd_write(wake_.get(), kStop);  // it has room
    }
    if (thread.joinable()) thread.join();
}

void Watch::begin() {
    const Lock lock(mutex_);
    if (thread_.joinable()) return;
    filter_ = subscribe(NETLINK_NETFILTER, NFNLGRP_NFTABLES);
    links_ = subscribeToLinks();
    wake_.reset(check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "make an eventfd"));
    woken_ = wake_.get();
    thread_ = std::thread([this] { run(); });
}

void Watch::lookAgain() noexcept {
    const Lock lock(mutex_);
    if (wake_) (void)::eventfd_write(wake_.get(), 1);  // it has room
}

void Watch::run() {
    for (;;) {
        wait();
        std::uint64_t count = 0;
        if (::read(woken_, &count, sizeof count) == sizeof count) {
            if (count >= kStop) return;
            if (!tend_due_) tend_due_ = Clock::now() + kTendLater;
        }
        const Touched touched = touchedByOthers(filter_.get(), own_sockets_);
        if (touched.ours && !rules_due_) rules_due_ = std::max(Clock::now() + kSettle, last_repair_ + kBetweenRepairs);
        if (touched.theirs && !others_due_) others_due_ = Clock::now() + kSettle;
        if (bridgesGone(links_.get()) && !links_due_) links_due_ = Clock::now() + kSettle;
        if (rules_due_ && *rules_due_ <= Clock::now()) last_repair_ = Clock::now();
        serve(rules_due_, handlers_.rules_changed);
        serve(others_due_, handlers_.others_changed);
        serve(links_due_, handlers_.bridges_gone);
        serve(tend_due_, handlers_.tend);
    }
}

void Watch::wait() {
    pollfd entries[] = {{woken_, POLLIN, 0}, {filter_.get(), POLLIN, 0}, {links_.get(), POLLIN, 0}, {handlers_.keeper(), POLLIN, 0}};
    Due first;
    for (const Due& due : {rules_due_, others_due_, links_due_, tend_due_})
        if (due && (!first || *due < *first)) first = due;
    int timeout = -1;
    if (first) timeout = std::max(0, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*first - Clock::now()).count()));
    if (::poll(entries, std::size(entries), timeout) > 0 && entries[3].revents != 0) tend_due_ = Clock::now();
}

void Watch::serve(Due& due, const std::function<void()>& handler) {
    if (!due || *due > Clock::now()) return;
    due.reset();
    try {
        handler();
    } catch (const std::exception& e) {  // a thread's entry
        handlers_.log(e.what());
        due = Clock::now() + kAfterFailure;
    }
}

}  // namespace davit::bridge
