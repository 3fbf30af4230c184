#include "linux/netlink/batch.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/check.hpp"

namespace davit::linux {
namespace {

constexpr timeval kAnswerTimeout{10, 0};

UniqueFd openSocket(NetlinkFamily family) {
    const int protocol = family == NetlinkFamily::route ? NETLINK_ROUTE : NETLINK_NETFILTER;
    UniqueFd fd(check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), "open a netlink socket"));
    constexpr int kOn = 1;
    // Texts besides error numbers, without a copy of the request; a kernel that can't is no worse off.
    (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &kOn, sizeof kOn);
    (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &kOn, sizeof kOn);
    check(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerTimeout, sizeof kAnswerTimeout), "set a netlink socket's timeout");
    return fd;
}

// The kernel's own words for a failure, when it has any.
std::string explanation(const nlmsghdr* answer) {
    if ((answer->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
    const char* at = reinterpret_cast<const char*>(NLMSG_DATA(answer)) + sizeof(nlmsgerr);
    const char* end = reinterpret_cast<const char*>(answer) + answer->nlmsg_len;
    while (end - at >= static_cast<std::ptrdiff_t>(sizeof(nlattr))) {
        nlattr attribute{};
        std::memcpy(&attribute, at, sizeof attribute);
        if (attribute.nla_len < sizeof attribute || attribute.nla_len > end - at) break;
        if ((attribute.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG)
            return std::string(at + sizeof attribute, ::strnlen(at + sizeof attribute, attribute.nla_len - sizeof attribute));
        at += NLA_ALIGN(attribute.nla_len);
    }
    return {};
}

}  // namespace

NetlinkSocket::NetlinkSocket(NetlinkFamily family) : fd_(openSocket(family)) {}

void NetlinkBatch::bytes(std::string_view content) {
    buffer_.append(content);
    buffer_.resize(NLMSG_ALIGN(buffer_.size()), '\0');
    patchLengths();
}

// The request and its open attributes reach to the end of the buffer.
void NetlinkBatch::patchLengths() {
    const auto length = static_cast<std::uint32_t>(buffer_.size() - start_);
    std::memcpy(buffer_.data() + start_, &length, sizeof length);
    for (const std::size_t nest : nests_) {
        const auto size = static_cast<std::uint16_t>(buffer_.size() - nest);
        std::memcpy(buffer_.data() + nest, &size, sizeof size);
    }
}

void NetlinkBatch::begin(std::uint16_t type, std::uint16_t flags, std::string what) {
    start(type, static_cast<std::uint16_t>(NLM_F_ACK | flags), {std::move(what), true});
}

void NetlinkBatch::beginUnanswered(std::uint16_t type, std::string what) { start(type, 0, {std::move(what), false}); }

void NetlinkBatch::start(std::uint16_t type, std::uint16_t flags, Request about) {
    start_ = buffer_.size();
    nests_.clear();
    requests_.push_back(std::move(about));
    nlmsghdr request{};
    request.nlmsg_type = type;
    request.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    request.nlmsg_seq = static_cast<std::uint32_t>(requests_.size());
    header(request);
}

void NetlinkBatch::attribute(unsigned type, std::string_view content) {
    rtattr attribute{};
    attribute.rta_type = static_cast<unsigned short>(type);
    attribute.rta_len = static_cast<unsigned short>(RTA_LENGTH(content.size()));
    buffer_.append(reinterpret_cast<const char*>(&attribute), sizeof attribute);
    bytes(content);
}

void NetlinkBatch::text(unsigned type, const std::string& content) { attribute(type, {content.c_str(), content.size() + 1}); }

void NetlinkBatch::openNest(unsigned type) {
    nests_.push_back(buffer_.size());
    rtattr attribute{};
    attribute.rta_type = static_cast<unsigned short>(type);
    header(attribute);
}

void NetlinkBatch::closeNest() { nests_.pop_back(); }

void NetlinkBatch::run(const NetlinkSocket& socket) {
    if (empty()) return;
    check(::send(socket.fd(), buffer_.data(), buffer_.size(), 0), "{}: send to the kernel", requests_.front().what);
    std::optional<Error> failure;
    alignas(nlmsghdr) std::array<char, 16384> answers{};
    auto left = std::count_if(requests_.begin(), requests_.end(), [](const Request& one) { return one.answered; });
    while (left > 0) {
        ssize_t got = ::recv(socket.fd(), answers.data(), answers.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        check(got, "{}: wait for the kernel", requests_.front().what);
        for (auto* answer = reinterpret_cast<nlmsghdr*>(answers.data()); NLMSG_OK(answer, static_cast<std::uint32_t>(got));
             answer = NLMSG_NEXT(answer, got)) {
            if (answer->nlmsg_type != NLMSG_ERROR || answer->nlmsg_seq == 0 || answer->nlmsg_seq > requests_.size()) continue;
            const Request& request = requests_[answer->nlmsg_seq - 1];
            // A transaction whose frame is refused is answered once.
            left = request.answered ? left - 1 : 0;
            const int code = -static_cast<const nlmsgerr*>(NLMSG_DATA(answer))->error;
            if (code == 0 || failure) continue;
            const std::string why = explanation(answer);
            failure = Error::system(why.empty() ? request.what : request.what + " (" + why + ")", code);
        }
    }
    if (failure) throw Error(*failure);
}

}  // namespace davit::linux
