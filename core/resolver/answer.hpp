// The resolver's own answers, with Docker's rules: what it knows it says, and nobody else is asked about it.
#pragma once

#include <optional>
#include <string>

#include "resolver/name_tables.hpp"
#include "resolver/query.hpp"

namespace davit::resolver {

/// What the tables say of it, or std::nullopt: nothing.
[[nodiscard]] std::optional<std::string> answerKnown(const NameTables& tables, const SandboxNames& asking, const Query& query,
                                                     std::size_t limit);

/// The reply, or std::nullopt: others are to be asked. Several addresses come in another order each time. The names that the
/// tables know have no mail servers (an empty answer makes clients ask for addresses); other types of them are forwarded.
[[nodiscard]] std::optional<std::string> answer(const NameTables& tables, const SandboxNames& asking, const Query& query,
                                                std::size_t limit);

}  // namespace davit::resolver
