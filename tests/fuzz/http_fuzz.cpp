// HTTP/1.1 as a client sends it, pipelined, in pieces whose size the first byte chooses: the pieces must not matter.
#include <array>
#include <string>

#include "fuzz.hpp"
#include "http/codec.hpp"

namespace {

using davit::http::MessageReader;

/// All that was understood, in order, as text.
std::string readAll(std::span<const std::byte> bytes, std::size_t piece) {
    MessageReader reader(MessageReader::Kind::request);
    std::string seen;
    std::array<std::byte, 512> buffer{};
    bool in_body = false;
    while (!bytes.empty() || reader.hasRest()) {
        const std::size_t count = std::min(piece, bytes.size());
        if (count != 0) reader.feed(bytes.subspan(0, count));
        bytes = bytes.subspan(count);
        for (bool more = true; more;) {
            if (!in_body) {
                if (!reader.parseHead()) break;
                seen += reader.requestHead().target + "\n";
                in_body = true;
            }
            std::size_t got = 0;
            const auto state = reader.readBody(buffer, got);
            seen.append(reinterpret_cast<const char*>(buffer.data()), got);
            if (state == MessageReader::Body::need_more) more = false;
            if (state == MessageReader::Body::end) {
                if (!reader.keepAlive()) return seen;
                reader.next();
                in_body = false;
            }
        }
        if (bytes.empty()) break;
    }
    return seen;
}

std::string outcome(std::span<const std::byte> bytes, std::size_t piece) {
    try {
        return readAll(bytes, piece);
    } catch (const davit::Error&) {
        return "refused";
    }
}

}  // namespace

DAVIT_FUZZ(data, size) {
    if (size < 2) return;
    const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
    const std::string whole = outcome(bytes, bytes.size());
    const std::string pieces = outcome(bytes, std::size_t{1} + data[0] % 64);
    davit::fuzz::require(whole == pieces || whole == "refused" || pieces == "refused");
}
