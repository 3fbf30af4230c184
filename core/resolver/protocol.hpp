// What davitd and davit-resolver tell each other: one JSON object a packet.
//
//     davitd                                   davit-resolver
//     hello (version)                     ->
//                                         <-   hello (version): one of another version is replaced
//     begin                               ->        every sandbox is doubtful
//     set (a sandbox; with its sockets    ->        it is as this says, and not doubtful
//          when the connection is the first
//          that tells of it)              <-   done, or need (id): its sockets are missing
//     remove (id)                         ->   <-   done
//     end                                 ->   <-   done        what is still doubtful is removed
//
// begin to end is how a davitd that has just started brings a resolver that has gone on to what its rows say. Unknown members
// are ignored, unknown operations too, so that a version changes only when what is there changes its meaning.
#pragma once

#include <string>
#include <string_view>

#include "resolver/names.hpp"

namespace davit::resolver {

constexpr int kProtocolVersion = 1;

struct Message {
    enum class Operation { unknown, hello, begin, set, remove, end, done, need };
    Operation operation = Operation::unknown;
    int version = 0;       ///< hello
    std::string id{};      ///< remove, need
    SandboxNames names{};  ///< set; its descriptors: UDP, TCP, network namespace
};

[[nodiscard]] std::string encode(const Message& message);
/// Throws Error{invalid} for what isn't such an object.
[[nodiscard]] Message decode(std::string_view text);

}  // namespace davit::resolver
