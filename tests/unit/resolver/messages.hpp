// DNS messages for the tests, made by hand where ldns would refuse to.
#pragma once

#include <ldns/ldns.h>

#include <memory>
#include <string>
#include <vector>

#include "resolver/query.hpp"

namespace davit::resolver::test {

struct FreePacket {
    void operator()(ldns_pkt* packet) const noexcept { ::ldns_pkt_free(packet); }
};
using PacketPtr = std::unique_ptr<ldns_pkt, FreePacket>;

inline void number(std::string& message, unsigned value) {
    message += static_cast<char>(value >> 8U);
    message += static_cast<char>(value & 0xffU);
}

inline std::string encodedName(std::string_view name) {
    std::string result;
    while (!name.empty()) {
        const std::string_view label = name.substr(0, name.find('.'));
        result += static_cast<char>(label.size());
        result += label;
        name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    return result + '\0';
}

/// A question with RD set. `udp_size`: with EDNS.
inline std::string question(std::string_view name, unsigned type = 1, unsigned udp_size = 0, unsigned id = 0x1234) {
    std::string message;
    for (const unsigned value : {id, 0x0100U, 1U, 0U, 0U, udp_size != 0 ? 1U : 0U}) number(message, value);
    message += encodedName(name);
    number(message, type);
    number(message, 1);
    if (udp_size == 0) return message;
    message += '\0';
    number(message, 41);
    number(message, udp_size);
    return message + std::string(6, '\0');
}

/// The answer of a server to the question with one record of type A; `flags`: the lower half of the header's second word.
inline std::string answerTo(std::string message, unsigned flags = 0x80, std::string_view address = {"\x0a\x00\x00\x07", 4}) {
    message[2] = static_cast<char>(static_cast<unsigned char>(message[2]) | 0x80U);
    message[3] = static_cast<char>(flags);
    if ((flags & 0xfU) != 0) return message;
    message[7] = 1;
    number(message, 0xc00c);
    number(message, 1);
    number(message, 1);
    message += std::string("\0\0\0\x3c", 4);
    number(message, 4);
    return message + std::string(address);
}

inline Query parsed(const std::string& message) {
    std::string refusal;
    std::optional<Query> query = Query::parse(message, refusal);
    return std::move(query.value());
}

inline PacketPtr read(const std::string& message) {
    ldns_pkt* packet = nullptr;
    if (::ldns_wire2pkt(&packet, reinterpret_cast<const std::uint8_t*>(message.data()), message.size()) != LDNS_STATUS_OK) return {};
    return PacketPtr(packet);
}

inline unsigned rcode(const std::string& message) { return read(message) ? ::ldns_pkt_get_rcode(read(message).get()) : 99; }
inline std::size_t answers(const std::string& message) { return read(message) ? ::ldns_pkt_ancount(read(message).get()) : 9999; }

/// The data of the answer's records as text.
inline std::vector<std::string> data(const std::string& message) {
    const PacketPtr packet = read(message);
    std::vector<std::string> result;
    for (std::size_t at = 0; packet && at < ::ldns_pkt_ancount(packet.get()); ++at) {
        char* text = ::ldns_rdf2str(::ldns_rr_rdf(::ldns_rr_list_rr(::ldns_pkt_answer(packet.get()), at), 0));
        result.emplace_back(text);
        std::free(text);
    }
    return result;
}

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

}  // namespace davit::resolver::test
