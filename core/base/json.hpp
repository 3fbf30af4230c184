// JSON, read as views into a parsed document and written straight from structs. The library behind it is RapidJSON, which
// no other header of core/ shows.
//
//     const json::Document document = json::Document::parse(text);
//     const std::string name = document.root()["Name"].string();          // absent or null: ""
//     for (const json::Value item : document.root()["Mounts"].array()) …
//
//     json::Writer out;
//     out.object([&] { out.member("Id", id).member("Size", 12); });
//     send(out.text());
//
// Reading follows Go's encoding/json, because Docker's clients rely on it: unknown members are ignored, null and absent are
// the zero value, member names match in any case, and a value of another type is an error.
#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace davit::json {

/// `text` as a JSON string with its quotes. Invalid UTF-8 becomes U+FFFD; <, > and & become \u003c…, as Go writes them.
[[nodiscard]] std::string quote(std::string_view text);

class Array;
class Object;

/// A view of one value: cheap to copy, valid while its Document lives. A default-made Value is null.
class Value {
  public:
    Value() noexcept = default;

    [[nodiscard]] bool isNull() const noexcept;
    [[nodiscard]] bool isString() const noexcept;
    [[nodiscard]] bool isBool() const noexcept;
    [[nodiscard]] bool isNumber() const noexcept;
    [[nodiscard]] bool isArray() const noexcept;
    [[nodiscard]] bool isObject() const noexcept;
    explicit operator bool() const noexcept { return !isNull(); }

    /// The member of that name in any case (the last of several), else null; null has no members. Throws Error{invalid} for
    /// other non-objects and for two spellings of the name: another reader might choose the other one (SEC-50).
    [[nodiscard]] Value operator[](std::string_view name) const;

    // Each returns its fallback for null and throws Error{invalid} for a value of another type.
    [[nodiscard]] std::string string(std::string_view fallback = {}) const;
    [[nodiscard]] std::string_view stringView(std::string_view fallback = {}) const;
    [[nodiscard]] std::int64_t integer(std::int64_t fallback = 0) const;
    [[nodiscard]] std::uint64_t unsignedInteger(std::uint64_t fallback = 0) const;
    [[nodiscard]] double number(double fallback = 0) const;
    [[nodiscard]] bool boolean(bool fallback = false) const;

    /// The elements, to iterate over; none for null. Throws Error{invalid} for another type.
    [[nodiscard]] Array array() const;
    /// The members (name, value), to iterate over in document order; none for null. Throws Error{invalid} otherwise.
    [[nodiscard]] Object object() const;
    [[nodiscard]] std::vector<std::string> strings() const;
    [[nodiscard]] std::map<std::string, std::string> stringMap() const;

    /// The value as compact JSON text.
    [[nodiscard]] std::string text() const;

  private:
    friend class Document;
    friend class Array;
    friend class Object;
    explicit Value(const void* node) noexcept : node_(node) {}
    const void* node_ = nullptr;  // a rapidjson::Value
};

class Array {
  public:
    class Iterator {
      public:
        explicit Iterator(const void* at) noexcept : at_(at) {}
        Value operator*() const noexcept;
        Iterator& operator++() noexcept;
        bool operator==(const Iterator&) const noexcept = default;

      private:
        const void* at_;
    };
    Array(const void* first, const void* last, std::size_t size) noexcept : first_(first), last_(last), size_(size) {}
    [[nodiscard]] Iterator begin() const noexcept { return Iterator(first_); }
    [[nodiscard]] Iterator end() const noexcept { return Iterator(last_); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  private:
    const void* first_;
    const void* last_;
    std::size_t size_;
};

class Object {
  public:
    class Iterator {
      public:
        explicit Iterator(const void* at) noexcept : at_(at) {}
        std::pair<std::string_view, Value> operator*() const noexcept;
        Iterator& operator++() noexcept;
        bool operator==(const Iterator&) const noexcept = default;

      private:
        const void* at_;
    };
    Object(const void* first, const void* last, std::size_t size) noexcept : first_(first), last_(last), size_(size) {}
    [[nodiscard]] Iterator begin() const noexcept { return Iterator(first_); }
    [[nodiscard]] Iterator end() const noexcept { return Iterator(last_); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  private:
    const void* first_;
    const void* last_;
    std::size_t size_;
};

/// A parsed text. Movable; views stay valid across a move.
class Document {
  public:
    /// Parses exactly one JSON value with optional white space around it. Throws Error{invalid} naming the byte offset.
    /// Nesting deeper than `depth` is refused. The parser doesn't recurse.
    [[nodiscard]] static Document parse(std::string_view text, unsigned depth = 100);

    Document(Document&&) noexcept;
    Document& operator=(Document&&) noexcept;
    ~Document();
    [[nodiscard]] Value root() const noexcept;

  private:
    struct Impl;
    explicit Document(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

/// Builds a JSON text front to back. Commas, quotes and escapes are its business; strings are cleaned as in quote().
/// One thread. A text whose objects and arrays aren't all closed is a programming error.
class Writer {
  public:
    Writer();
    Writer(Writer&&) noexcept;
    Writer& operator=(Writer&&) noexcept;
    ~Writer();

    Writer& beginObject();
    Writer& endObject();
    Writer& beginArray();
    Writer& endArray();
    Writer& key(std::string_view name);

    Writer& value(std::string_view text);
    Writer& value(const std::string& text) { return value(std::string_view(text)); }
    Writer& value(const char* text) { return value(std::string_view(text)); }
    Writer& value(bool flag);
    Writer& value(double number);
    template <std::integral Integer>
    Writer& value(Integer number) {
        if constexpr (std::is_signed_v<Integer>)
            return signedValue(number);
        else
            return unsignedValue(number);
    }
    Writer& value(const std::vector<std::string>& texts);            ///< an array
    Writer& value(const std::map<std::string, std::string>& texts);  ///< an object
    Writer& null();
    /// Text that already is JSON.
    Writer& raw(std::string_view json);

    template <typename T>
    Writer& member(std::string_view name, const T& content) {
        key(name);
        return value(content);
    }
    /// `{` body() `}`
    template <std::invocable Body>
    Writer& object(Body&& body) {
        beginObject();
        std::forward<Body>(body)();
        return endObject();
    }
    template <std::invocable Body>
    Writer& object(std::string_view name, Body&& body) {
        key(name);
        return object(std::forward<Body>(body));
    }
    /// `[` body() `]`
    template <std::invocable Body>
    Writer& array(Body&& body) {
        beginArray();
        std::forward<Body>(body)();
        return endArray();
    }
    template <std::invocable Body>
    Writer& array(std::string_view name, Body&& body) {
        key(name);
        return array(std::forward<Body>(body));
    }

    /// What has been written so far.
    [[nodiscard]] std::string_view text() const;
    [[nodiscard]] std::string take() { return std::string(text()); }

  private:
    Writer& signedValue(std::int64_t number);
    Writer& unsignedValue(std::uint64_t number);
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace davit::json
