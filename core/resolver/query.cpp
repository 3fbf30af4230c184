#include "resolver/query.hpp"

#include <ldns/ldns.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/error.hpp"
#include "resolver/name_tables.hpp"

namespace davit::resolver {
namespace {

constexpr std::uint32_t kTtl = 600;  // Docker's
constexpr std::size_t kHeader = 12;
constexpr std::size_t kClassicLimit = 512;
constexpr std::uint16_t kOwnUdpSize = 1232;
constexpr std::uint8_t kResponse = 0x80;   // in the third byte of a message
constexpr std::uint8_t kTruncated = 0x02;

struct FreeRr {
    void operator()(ldns_rr* rr) const noexcept { ::ldns_rr_free(rr); }
};
struct FreeRdf {
    void operator()(ldns_rdf* rdf) const noexcept { ::ldns_rdf_deep_free(rdf); }
};
struct FreeMemory {
    void operator()(void* memory) const noexcept { std::free(memory); }
};
using Rr = std::unique_ptr<ldns_rr, FreeRr>;
using Rdf = std::unique_ptr<ldns_rdf, FreeRdf>;

template <typename T>
T* made(T* object) {
    if (object == nullptr) throw Error(Code::system, "build a DNS message: out of memory");
    return object;
}

std::uint16_t idOf(std::string_view message) {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(message[0]) << 8 | static_cast<unsigned char>(message[1]));
}

void setId(std::string& message, std::uint16_t id) {
    message[0] = static_cast<char>(id >> 8);
    message[1] = static_cast<char>(id & 0xff);
}

std::uint8_t byteAt(std::string_view message, std::size_t at) { return static_cast<std::uint8_t>(message[at]); }

ldns_pkt* parsePacket(std::string_view message) {
    ldns_pkt* packet = nullptr;
    if (::ldns_wire2pkt(&packet, reinterpret_cast<const std::uint8_t*>(message.data()), message.size()) != LDNS_STATUS_OK) return nullptr;
    return packet;
}

std::string wire(const ldns_pkt& packet) {
    std::uint8_t* bytes = nullptr;
    std::size_t size = 0;
    if (::ldns_pkt2wire(&bytes, &packet, &size) != LDNS_STATUS_OK) throw Error(Code::system, "write a DNS message");
    const std::unique_ptr<std::uint8_t, FreeMemory> owner(bytes);
    return {reinterpret_cast<const char*>(bytes), size};
}

std::string nameText(const ldns_rdf* name) {
    const std::unique_ptr<char, FreeMemory> text(made(::ldns_rdf2str(name)));
    std::string result = lowered(text.get());
    if (!result.empty() && result.back() == '.') result.pop_back();
    return result;
}

/// The same header with an rcode and nothing else: for what can't be read further.
std::string headerOnly(std::string_view message, Rcode rcode) {
    std::string reply(message.substr(0, kHeader));
    reply[2] = static_cast<char>(byteAt(message, 2) | kResponse);
    reply[3] = static_cast<char>(rcode);
    std::fill(reply.begin() + 4, reply.end(), '\0');
    return reply;
}

Rr record(const ldns_pkt& query, ldns_rr_type type, ldns_rdf* data) {
    Rdf content(made(data));
    const ldns_rr* question = ::ldns_rr_list_rr(::ldns_pkt_question(&query), 0);
    Rr rr(made(::ldns_rr_new()));
    ::ldns_rr_set_owner(rr.get(), made(::ldns_rdf_clone(::ldns_rr_owner(question))));
    ::ldns_rr_set_type(rr.get(), type);
    ::ldns_rr_set_class(rr.get(), LDNS_RR_CLASS_IN);
    ::ldns_rr_set_ttl(rr.get(), kTtl);
    if (!::ldns_rr_push_rdf(rr.get(), content.get())) throw Error(Code::system, "build a DNS message: out of memory");
    (void)content.release();
    return rr;
}

void answer(ldns_pkt& packet, Rr rr) {
    if (!::ldns_pkt_push_rr(&packet, LDNS_SECTION_ANSWER, rr.get())) throw Error(Code::system, "build a DNS message: out of memory");
    (void)rr.release();
}

ldns_rdf* addressData(const IpAddress& address) {
    std::array<std::uint8_t, 16> bytes{};
    const std::size_t size = ipBits(address.family) / 8;
    Uint128 number = address.number;
    for (std::size_t at = size; at-- > 0; number >>= 8U) bytes[at] = static_cast<std::uint8_t>(number);
    return ::ldns_rdf_new_frm_data(address.family == IpFamily::v4 ? LDNS_RDF_TYPE_A : LDNS_RDF_TYPE_AAAA, size, bytes.data());
}

/// The labels before `domain`, from the last to the first.
std::optional<std::vector<std::string_view>> labelsBefore(std::string_view name, std::string_view domain) {
    if (!name.ends_with(domain)) return std::nullopt;
    name.remove_suffix(domain.size());
    std::vector<std::string_view> labels;
    while (true) {
        const std::size_t dot = name.rfind('.');
        labels.push_back(dot == std::string_view::npos ? name : name.substr(dot + 1));
        if (dot == std::string_view::npos) return labels;
        name = name.substr(0, dot);
    }
}

bool sameQuestion(const ldns_pkt& query, const ldns_pkt& reply) {
    const ldns_rr_list* asked = ::ldns_pkt_question(&query);
    const ldns_rr_list* answered = ::ldns_pkt_question(&reply);
    if (::ldns_rr_list_rr_count(answered) != 1) return false;
    const ldns_rr* one = ::ldns_rr_list_rr(asked, 0);
    const ldns_rr* other = ::ldns_rr_list_rr(answered, 0);
    return ::ldns_rr_get_type(one) == ::ldns_rr_get_type(other) && ::ldns_rr_get_class(one) == ::ldns_rr_get_class(other) &&
           ::ldns_dname_compare(::ldns_rr_owner(one), ::ldns_rr_owner(other)) == 0;
}

bool failed(std::uint8_t rcode) {
    return rcode == static_cast<std::uint8_t>(Rcode::server_failure) || rcode == static_cast<std::uint8_t>(Rcode::refused);
}

}  // namespace

void Query::Release::operator()(ldns_struct_pkt* packet) const noexcept { ::ldns_pkt_free(packet); }

std::optional<Query> Query::parse(std::string_view message, std::string& refusal) {
    refusal.clear();
    if (message.size() < kHeader || (byteAt(message, 2) & kResponse) != 0) return std::nullopt;
    if ((byteAt(message, 2) >> 3 & 0xf) != LDNS_PACKET_QUERY) {
        refusal = headerOnly(message, Rcode::not_implemented);
        return std::nullopt;
    }
    Query query;
    query.packet_.reset(parsePacket(message));
    if (!query.packet_ || ::ldns_rr_list_rr_count(::ldns_pkt_question(query.packet_.get())) != 1) {
        refusal = headerOnly(message, Rcode::format);
        return std::nullopt;
    }
    const ldns_rr* question = ::ldns_rr_list_rr(::ldns_pkt_question(query.packet_.get()), 0);
    query.message_ = message;
    query.name_ = nameText(::ldns_rr_owner(question));
    query.type_ = static_cast<std::uint16_t>(::ldns_rr_get_type(question));
    if (::ldns_pkt_edns(query.packet_.get()))
        query.udp_limit_ = std::max<std::size_t>(kClassicLimit, ::ldns_pkt_edns_udp_size(query.packet_.get()));
    return query;
}

std::optional<IpAddress> Query::reverseAddress() const {
    std::string text;
    if (const auto v4 = labelsBefore(name_, ".in-addr.arpa"); v4 && v4->size() == 4) {
        for (const std::string_view label : *v4) text += (text.empty() ? "" : ".") + std::string(label);
    } else if (const auto v6 = labelsBefore(name_, ".ip6.arpa"); v6 && v6->size() == 32) {
        for (std::size_t at = 0; at < v6->size(); ++at) {
            if ((*v6)[at].size() != 1) return std::nullopt;
            text += (at > 0 && at % 4 == 0 ? ":" : "") + std::string((*v6)[at]);
        }
    } else {
        return std::nullopt;
    }
    return IpAddress::parse(text);
}

Query::Packet Query::reply(Rcode rcode) const {
    Packet packet(made(::ldns_pkt_new()));
    ::ldns_pkt_set_id(packet.get(), idOf(message_));
    ::ldns_pkt_set_qr(packet.get(), true);
    ::ldns_pkt_set_ra(packet.get(), true);
    ::ldns_pkt_set_rd(packet.get(), ::ldns_pkt_rd(packet_.get()));
    ::ldns_pkt_set_opcode(packet.get(), LDNS_PACKET_QUERY);
    ::ldns_pkt_set_rcode(packet.get(), static_cast<std::uint8_t>(rcode));
    if (::ldns_pkt_edns(packet_.get())) ::ldns_pkt_set_edns_udp_size(packet.get(), kOwnUdpSize);
    Rr question(made(::ldns_rr_clone(::ldns_rr_list_rr(::ldns_pkt_question(packet_.get()), 0))));
    if (!::ldns_pkt_push_rr(packet.get(), LDNS_SECTION_QUESTION, question.get()))
        throw Error(Code::system, "build a DNS message: out of memory");
    (void)question.release();
    return packet;
}

std::string Query::empty(Rcode rcode) const { return wire(*reply(rcode)); }

std::string Query::truncated(Rcode rcode) const {
    const Packet packet = reply(rcode);
    ::ldns_pkt_set_tc(packet.get(), true);
    return wire(*packet);
}

std::string Query::addresses(std::vector<IpAddress> found, std::size_t limit) const {
    const auto build = [&](bool cut) {
        const Packet packet = reply(Rcode::none);
        ::ldns_pkt_set_tc(packet.get(), cut);
        for (const IpAddress& address : found)
            answer(*packet, record(*packet_, address.family == IpFamily::v4 ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA, addressData(address)));
        return wire(*packet);
    };
    std::string whole = build(false);
    if (whole.size() <= limit) return whole;
    // All records are equally long: their names point to the question's.
    const std::size_t bare = empty(Rcode::none).size();
    const std::size_t each = (whole.size() - bare + found.size() - 1) / found.size();
    found.resize(std::min(found.size() - 1, limit > bare ? (limit - bare) / each : 0));
    return build(true);
}

std::string Query::pointer(const std::string& host, std::size_t limit) const {
    ldns_rdf* target = ::ldns_dname_new_frm_str((host + ".").c_str());
    if (target == nullptr) return empty(Rcode::none);  // a container's name may be none of the DNS
    const Packet packet = reply(Rcode::none);
    answer(*packet, record(*packet_, LDNS_RR_TYPE_PTR, target));
    std::string whole = wire(*packet);
    return whole.size() <= limit ? whole : truncated(Rcode::none);
}

std::string Query::forwarded(std::uint16_t id) const {
    std::string message = message_;
    setId(message, id);
    return message;
}

Verdict Query::judge(std::string_view reply, std::uint16_t id) const {
    if (reply.size() < kHeader || idOf(reply) != id || (byteAt(reply, 2) & kResponse) == 0) return Verdict::foreign;
    const Packet parsed(parsePacket(reply));
    // Some servers cut in the middle of a record, others leave the question out when they fail.
    if (!parsed) return (byteAt(reply, 2) & kTruncated) != 0 ? Verdict::accepted : Verdict::retry;
    const std::uint8_t rcode = ::ldns_pkt_get_rcode(parsed.get());
    if (!sameQuestion(*packet_, *parsed))
        return ::ldns_rr_list_rr_count(::ldns_pkt_question(parsed.get())) == 0 && rcode != 0 ? Verdict::retry : Verdict::foreign;
    return failed(rcode) ? Verdict::retry : Verdict::accepted;
}

std::string Query::returned(std::string_view reply, std::size_t limit) const {
    const Packet parsed(parsePacket(reply));
    if (!parsed || reply.size() > limit) return truncated(parsed ? static_cast<Rcode>(::ldns_pkt_get_rcode(parsed.get())) : Rcode::none);
    std::string message(reply);
    setId(message, idOf(message_));
    return message;
}

}  // namespace davit::resolver
