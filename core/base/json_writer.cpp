#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>

#include "base/json.hpp"

namespace davit::json {
namespace {

// The length of the valid UTF-8 sequence at the front of `text`, 0 if there is none (Unicode 15, table 3-7).
std::size_t validSequence(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto continues = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (!continues(1) || !continues(2)) return 0;
        const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
        const bool surrogate = lead == 0xED && byte(1) >= 0xA0;
        return overlong || surrogate ? 0 : 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (!continues(1) || !continues(2) || !continues(3)) return 0;
        const bool overlong = lead == 0xF0 && byte(1) < 0x90;
        const bool too_large = lead == 0xF4 && byte(1) >= 0x90;
        return overlong || too_large ? 0 : 4;
    }
    return 0;
}

void appendEscaped(std::string& out, unsigned char c) {
    constexpr char kDigits[] = "0123456789abcdef";
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        default: break;
    }
    if (c < 0x20 || c == '<' || c == '>' || c == '&' || c == 0x7F) {
        out += "\\u00";
        out += kDigits[c >> 4];
        out += kDigits[c & 15];
    } else {
        out += static_cast<char>(c);
    }
}

}  // namespace

std::string quote(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 2);
    out += '"';
    while (!text.empty()) {
        const std::size_t length = validSequence(text);
        if (length == 0) out += "\\ufffd";
        if (length == 1) appendEscaped(out, static_cast<unsigned char>(text.front()));
        if (length > 1) out += text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    out += '"';
    return out;
}

struct Writer::Impl {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
};

Writer::Writer() : impl_(std::make_unique<Impl>()) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

Writer& Writer::beginObject() {
    impl_->writer.StartObject();
    return *this;
}
Writer& Writer::endObject() {
    impl_->writer.EndObject();
    return *this;
}
Writer& Writer::beginArray() {
    impl_->writer.StartArray();
    return *this;
}
Writer& Writer::endArray() {
    impl_->writer.EndArray();
    return *this;
}
Writer& Writer::key(std::string_view name) {
    const std::string quoted = quote(name);
    // A member name is a string to the writer; RawValue keeps our escaping.
    impl_->writer.RawValue(quoted.data(), quoted.size(), rapidjson::kStringType);
    return *this;
}
Writer& Writer::value(std::string_view text) {
    const std::string quoted = quote(text);
    impl_->writer.RawValue(quoted.data(), quoted.size(), rapidjson::kStringType);
    return *this;
}
Writer& Writer::value(bool flag) {
    impl_->writer.Bool(flag);
    return *this;
}
Writer& Writer::value(double number) {
    if (!std::isfinite(number)) throw Error(Code::invalid, "JSON has no infinite number");
    impl_->writer.Double(number);
    return *this;
}
Writer& Writer::signedValue(std::int64_t number) {
    impl_->writer.Int64(number);
    return *this;
}
Writer& Writer::unsignedValue(std::uint64_t number) {
    impl_->writer.Uint64(number);
    return *this;
}
Writer& Writer::value(const std::vector<std::string>& texts) {
    return array([&] {
        for (const std::string& text : texts) value(text);
    });
}
Writer& Writer::value(const std::map<std::string, std::string>& texts) {
    return object([&] {
        for (const auto& [name, text] : texts) member(name, text);
    });
}
Writer& Writer::null() {
    impl_->writer.Null();
    return *this;
}
Writer& Writer::raw(std::string_view json) {
    impl_->writer.RawValue(json.data(), json.size(), rapidjson::kObjectType);
    return *this;
}
std::string_view Writer::text() const { return {impl_->buffer.GetString(), impl_->buffer.GetSize()}; }

}  // namespace davit::json
