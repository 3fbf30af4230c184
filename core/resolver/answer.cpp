#include "resolver/answer.hpp"

#include <algorithm>
#include <random>

namespace davit::resolver {
namespace {

std::optional<std::string> answerAddresses(const NameTables& tables, const SandboxNames& asking, const Query& query,
                                           std::size_t limit) {
    static std::minstd_rand random{std::random_device{}()};
    NameTables::Found found = tables.resolve(asking, query.name(), query.is(Type::a) ? IpFamily::v4 : IpFamily::v6);
    if (!found.known) return std::nullopt;
    if (found.addresses.empty()) return query.empty(Rcode::none);
    std::shuffle(found.addresses.begin(), found.addresses.end(), random);
    return query.addresses(std::move(found.addresses), limit);
}

std::optional<std::string> answerPointer(const NameTables& tables, const SandboxNames& asking, const Query& query,
                                         std::size_t limit) {
    const std::optional<IpAddress> address = query.reverseAddress();
    const std::string name = address ? tables.nameOf(asking, *address) : std::string();
    if (name.empty()) return std::nullopt;
    return query.pointer(name, limit);
}

std::optional<std::string> answerMail(const NameTables& tables, const SandboxNames& asking, const Query& query) {
    if (!tables.resolve(asking, query.name(), IpFamily::v4).known) return std::nullopt;
    return query.empty(Rcode::none);
}

}  // namespace

std::optional<std::string> answerKnown(const NameTables& tables, const SandboxNames& asking, const Query& query, std::size_t limit) {
    if (query.is(Type::a) || query.is(Type::aaaa)) return answerAddresses(tables, asking, query, limit);
    if (query.is(Type::ptr)) return answerPointer(tables, asking, query, limit);
    if (query.is(Type::mx)) return answerMail(tables, asking, query);
    return std::nullopt;
}

std::optional<std::string> answer(const NameTables& tables, const SandboxNames& asking, const Query& query, std::size_t limit) {
    if (std::optional<std::string> reply = answerKnown(tables, asking, query, limit)) return reply;
    const bool for_address = query.is(Type::a) || query.is(Type::aaaa);
    if (asking.ndots_set && for_address && query.name().find('.') == std::string::npos) return query.empty(Rcode::none);
    if (!asking.forward || asking.upstreams.empty()) return query.empty(Rcode::server_failure);
    return std::nullopt;
}

}  // namespace davit::resolver
