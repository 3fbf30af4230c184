// The messages of the plugin protocol as JSON: one description of each struct serves reading and writing, for the plugin
// that answers and for the engine that asks.
//
//     template <class Archive>
//     void members(Archive& a, Ref<Archive, SnapshotInfo> s) { a("Name", s.name); a("CreatedAt", s.created_at); }
//
// Reading follows Go's encoding/json, which every Docker plugin was written against: unknown members are ignored, null and
// absent leave the default, names match in any case when the exact one is missing, another type is an Error{invalid}.
// Strings may hold any bytes (a file name needn't be UTF-8) and are passed through as they are.
#pragma once

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <strings.h>

#include <concepts>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace davit::wire {

template <class Archive, class T>
using Ref = std::conditional_t<Archive::kReading, T&, const T&>;

/// What a message may be at most: deeper ones are refused before they are parsed.
inline constexpr unsigned kMaxDepth = 64;

/// A request or reply without members.
struct Nothing {};
template <class Archive>
void members(Archive&, Ref<Archive, Nothing>) {}

[[nodiscard]] inline std::string toText(const rapidjson::Value& value) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    value.Accept(writer);
    return {buffer.GetString(), buffer.GetSize()};
}

/// Nesting depth of a JSON text, without parsing it.
[[nodiscard]] inline unsigned depthOf(std::string_view text) {
    unsigned depth = 0, deepest = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > deepest) deepest = depth;
        } else if ((c == '}' || c == ']') && depth > 0) {
            --depth;
        }
    }
    return deepest;
}

/// A parsed message. Small ones need no allocation.
class Message {
  public:
    /// Throws Error{invalid} for what isn't JSON or is nested too deep. Blank text is an empty object.
    explicit Message(std::string_view text) : pool_(buffer_, sizeof buffer_), document_(&pool_) {
        if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
            document_.SetObject();
            return;
        }
        if (depthOf(text) > kMaxDepth) throw Error(Code::invalid, "JSON nested too deep");
        document_.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
        if (document_.HasParseError())
            throw Error(Code::invalid, "not JSON at byte " + std::to_string(document_.GetErrorOffset()));
    }
    [[nodiscard]] const rapidjson::Value& root() const noexcept { return document_; }

  private:
    char buffer_[2048];
    rapidjson::MemoryPoolAllocator<> pool_;
    rapidjson::Document document_;
};

/// Reads the members of one JSON object into the fields of a struct.
class Reader {
  public:
    static constexpr bool kReading = true;
    /// Null is an object without members; anything else but an object is Error{invalid}.
    explicit Reader(const rapidjson::Value& object) : object_(object) {
        if (!object.IsObject() && !object.IsNull()) throw Error(Code::invalid, "a JSON object was expected");
    }

    /// nullptr for absent and null.
    [[nodiscard]] const rapidjson::Value* find(std::string_view name) const {
        if (!object_.IsObject()) return nullptr;
        const rapidjson::Value* found = nullptr;
        for (const auto& member : object_.GetObject()) {
            if (member.name.GetStringLength() != name.size()) continue;
            if (std::string_view(member.name.GetString(), name.size()) == name) {
                found = &member.value;
                break;
            }
            if (::strncasecmp(member.name.GetString(), name.data(), name.size()) == 0) found = &member.value;
        }
        return found != nullptr && found->IsNull() ? nullptr : found;
    }

    template <class T>
    void operator()(std::string_view name, T& field) {
        if (const rapidjson::Value* value = find(name)) read(name, *value, field);
    }
    template <class T>
    void optional(std::string_view name, T& field) {
        (*this)(name, field);
    }
    /// A field that keeps any JSON value as its text.
    void json(std::string_view name, std::string& field) {
        if (const rapidjson::Value* value = find(name)) field = toText(*value);
    }
    /// An object whose values are kept as JSON text.
    void jsonMap(std::string_view name, std::map<std::string, std::string>& field) {
        const rapidjson::Value* value = find(name);
        if (value == nullptr) return;
        if (!value->IsObject()) wrong(name, "an object");
        field.clear();
        for (const auto& member : value->GetObject())
            field.emplace(text(member.name), toText(member.value));
    }
    /// A nested object whose members belong to the same struct.
    template <std::invocable<Reader&> F>
    void object(std::string_view name, F&& f) {
        if (const rapidjson::Value* value = find(name)) {
            if (!value->IsObject()) wrong(name, "an object");
            Reader nested(*value);
            f(nested);
        }
    }

  private:
    [[noreturn]] static void wrong(std::string_view name, const char* expected) {
        throw Error(Code::invalid, "JSON member " + std::string(name) + ": " + expected + " was expected");
    }
    static std::string text(const rapidjson::Value& value) { return {value.GetString(), value.GetStringLength()}; }

    static void read(std::string_view name, const rapidjson::Value& value, std::string& field) {
        if (!value.IsString()) wrong(name, "a string");
        field = text(value);
    }
    static void read(std::string_view name, const rapidjson::Value& value, bool& field) {
        if (!value.IsBool()) wrong(name, "true or false");
        field = value.GetBool();
    }
    template <class T>
        requires std::integral<T> || std::is_enum_v<T>
    static void read(std::string_view name, const rapidjson::Value& value, T& field) {
        if (value.IsInt64())
            field = static_cast<T>(value.GetInt64());
        else
            wrong(name, "an integer");
    }
    /// Values that aren't strings become their JSON text: plugins put numbers into maps of strings.
    static void read(std::string_view name, const rapidjson::Value& value, std::map<std::string, std::string>& field) {
        if (!value.IsObject()) wrong(name, "an object");
        field.clear();
        for (const auto& member : value.GetObject())
            field.emplace(text(member.name), member.value.IsString() ? text(member.value)
                                             : member.value.IsNull() ? std::string()
                                                                     : toText(member.value));
    }
    static void read(std::string_view name, const rapidjson::Value& value, std::pair<std::string, std::string>& field) {
        if (!value.IsArray() || value.Size() != 2) wrong(name, "a pair");
        read(name, value[0], field.first);
        read(name, value[1], field.second);
    }
    template <class T>
    static void read(std::string_view name, const rapidjson::Value& value, std::vector<T>& field) {
        if (!value.IsArray()) wrong(name, "an array");
        field.clear();
        field.reserve(value.Size());
        for (const auto& element : value.GetArray()) read(name, element, field.emplace_back());
    }
    template <class T>
        requires std::is_class_v<T>
    static void read(std::string_view name, const rapidjson::Value& value, T& field) {
        if (!value.IsObject()) wrong(name, "an object");
        Reader nested(value);
        members(nested, field);
    }

    const rapidjson::Value& object_;
};

/// Writes the fields of a struct as the members of a JSON object.
class Writer {
  public:
    static constexpr bool kReading = false;
    using Json = rapidjson::Writer<rapidjson::StringBuffer>;
    explicit Writer(Json& json) : json_(json) {}

    template <class T>
    void operator()(std::string_view name, const T& field) {
        key(name);
        write(field);
    }
    /// As operator(), but absent when it is empty, zero or false.
    template <class T>
    void optional(std::string_view name, const T& field) {
        if (!isEmpty(field)) (*this)(name, field);
    }
    void json(std::string_view name, const std::string& field) {
        key(name);
        raw(field);
    }
    void jsonMap(std::string_view name, const std::map<std::string, std::string>& field) {
        key(name);
        json_.StartObject();
        for (const auto& [member, value] : field) {
            key(member);
            raw(value);
        }
        json_.EndObject();
    }
    template <std::invocable<Writer&> F>
    void object(std::string_view name, F&& f) {
        key(name);
        json_.StartObject();
        f(*this);
        json_.EndObject();
    }

  private:
    void key(std::string_view name) { json_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size())); }
    void raw(const std::string& text) {
        if (text.empty())
            json_.Null();
        else
            json_.RawValue(text.data(), text.size(), rapidjson::kObjectType);
    }
    void write(const std::string& text) { json_.String(text.data(), static_cast<rapidjson::SizeType>(text.size())); }
    void write(bool flag) { json_.Bool(flag); }
    template <class T>
        requires std::integral<T> || std::is_enum_v<T>
    void write(T number) {
        json_.Int64(static_cast<std::int64_t>(number));
    }
    void write(const std::map<std::string, std::string>& map) {
        json_.StartObject();
        for (const auto& [name, value] : map) (*this)(name, value);
        json_.EndObject();
    }
    void write(const std::pair<std::string, std::string>& pair) {
        json_.StartArray();
        write(pair.first);
        write(pair.second);
        json_.EndArray();
    }
    template <class T>
    void write(const std::vector<T>& list) {
        json_.StartArray();
        for (const T& element : list) write(element);
        json_.EndArray();
    }
    template <class T>
        requires std::is_class_v<T>
    void write(const T& value) {
        json_.StartObject();
        members(*this, value);
        json_.EndObject();
    }
    template <class T>
    static bool isEmpty(const T& field) {
        if constexpr (requires { field.empty(); })
            return field.empty();
        else
            return field == T{};
    }

    Json& json_;
};

/// The struct that a message's text holds.
template <class T>
[[nodiscard]] T decode(std::string_view text) {
    const Message message(text);
    T result{};
    Reader reader(message.root());
    members(reader, result);
    return result;
}

/// The message's text.
template <class T>
[[nodiscard]] std::string encode(const T& value) {
    rapidjson::StringBuffer buffer;
    Writer::Json json(buffer);
    Writer writer(json);
    json.StartObject();
    members(writer, value);
    json.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
}

/// How a failure travels over HTTP: the text under both names that Docker's kinds use, and davit's code with it.
struct Refusal {
    std::string text;
    int code = 0;  ///< enum davit_code; 0: the server knows no codes
    int sys_errno = 0;
};
template <class Archive>
    requires(!Archive::kReading)
void members(Archive& a, const Refusal& r) {
    a("Err", r.text);
    a("Error", r.text);
    a.optional("Code", r.code);
    a.optional("Errno", r.sys_errno);
}

/// What a reply says about a failure; empty text: none. Foreign servers put anything into members that they invented, so
/// other types than ours are no codes.
[[nodiscard]] inline Refusal readRefusal(const Reader& reader) {
    const auto text = [&reader](std::string_view name) {
        const rapidjson::Value* value = reader.find(name);
        if (value == nullptr) return std::string();
        return value->IsString() ? std::string(value->GetString(), value->GetStringLength()) : toText(*value);
    };
    const auto number = [&reader](std::string_view name) {
        const rapidjson::Value* value = reader.find(name);
        return value != nullptr && value->IsInt() ? value->GetInt() : 0;
    };
    Refusal refusal{.text = text("Err")};
    if (refusal.text.empty()) refusal.text = text("Error");
    if (refusal.text.empty()) return refusal;
    refusal.code = number("Code");
    if (refusal.code < 0 || refusal.code > static_cast<int>(Code::system)) refusal.code = 0;
    refusal.sys_errno = number("Errno");
    return refusal;
}

/// Which methods have a raw stream beside their JSON: in the request body with the request's members in the query, or as
/// the response body.
enum class RawStream { none, in, out };
[[nodiscard]] constexpr RawStream rawStreamOf(std::string_view method) noexcept {
    if (method == "GraphDriver.ApplyDiff" || method == "VolumeDriver.Import") return RawStream::in;
    if (method == "GraphDriver.Diff" || method == "VolumeDriver.Export") return RawStream::out;
    return RawStream::none;
}

/// One method of a kind: its name on the wire and the structs of its two messages.
template <class RequestT, class ReplyT>
struct Method {
    using Request = RequestT;
    using Reply = ReplyT;
    std::string_view name;
};

}  // namespace davit::wire
