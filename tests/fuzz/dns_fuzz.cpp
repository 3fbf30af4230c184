// A client's DNS message and a server's reply to it: both are bytes of strangers. The first two bytes say where the first ends.
#include <string>

#include "base/error.hpp"
#include "fuzz.hpp"
#include "resolver/answer.hpp"

namespace {

using namespace davit::resolver;

NameTables someNames() {
    NameTables tables;
    SandboxNames names{.id = "s", .memberships = {{"n", "net", {"web", "a.b"}, {}, {{"link", "web"}}}}};
    for (unsigned number = 0; number < 100; ++number)
        names.memberships[0].addresses.push_back({davit::IpFamily::v4, (10U << 24U) + number});
    tables.set(names);
    return tables;
}

}  // namespace

DAVIT_FUZZ(data, size) {
    static const NameTables tables = someNames();
    if (size < 2) return;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    const std::size_t cut = std::min<std::size_t>(bytes.size(), data[0] << 8 | data[1]);
    std::string refusal;
    const std::optional<Query> query = Query::parse(bytes.substr(0, cut), refusal);
    davit::fuzz::require(!query || refusal.empty());
    davit::fuzz::require(refusal.empty() || (refusal.size() == 12 && (refusal[2] & 0x80) != 0));
    if (!query) return;
    try {
        const std::optional<std::string> reply = answer(tables, *tables.find("s"), *query, query->udpLimit());
        davit::fuzz::require(!reply || reply->size() <= query->udpLimit());
        const std::string upstream(bytes.substr(cut));
        const std::uint16_t id = upstream.size() < 2 ? 0
                                                     : static_cast<std::uint16_t>(static_cast<unsigned char>(upstream[0]) << 8 |
                                                                                  static_cast<unsigned char>(upstream[1]));
        davit::fuzz::require(query->forwarded(id).size() == cut);
        if (query->judge(upstream, id) == Verdict::accepted)
            davit::fuzz::require(query->returned(upstream, query->udpLimit()).size() <= query->udpLimit());
    } catch (const davit::Error&) {  // a message that can't be built is dropped
    }
}
