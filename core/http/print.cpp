// Printing heads. A field's value comes from anywhere (an error text, an image's name): it must not be able to end its
// line.
#include <fmt/format.h>

#include <algorithm>

#include "http/codec.hpp"

namespace davit::http {
namespace {

void appendClean(std::string& out, std::string_view text) {
    const auto first = out.size();
    out += text;
    std::replace_if(
        out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
        [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }, ' ');
}

void appendFields(std::string& out, const Headers& headers) {
    for (const auto& [name, content] : headers) {
        appendClean(out, name);
        out += ": ";
        appendClean(out, content);
        out += "\r\n";
    }
    out += "\r\n";
}

}  // namespace

std::string printHead(const RequestHead& head) {
    std::string out;
    appendClean(out, head.method);
    out += ' ';
    appendClean(out, head.target);
    out += head.version == 10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n";
    appendFields(out, head.headers);
    return out;
}

std::string printHead(const ResponseHead& head) {
    std::string out = fmt::format("HTTP/1.{} {} ", head.version == 10 ? 0 : 1, head.status);
    appendClean(out, head.reason.empty() ? reasonPhrase(head.status) : std::string_view(head.reason));
    out += "\r\n";
    appendFields(out, head.headers);
    return out;
}

std::string chunkHeader(std::size_t size) { return fmt::format("{:x}\r\n", size); }

}  // namespace davit::http
