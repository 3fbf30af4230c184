// The values that a --format template works on: Go's nil, bool, numbers, strings, lists and objects.
//
// Objects are either views into a parsed JSON document (whose owner must outlive them) or Records, the rows of a table
// with their methods. Values are immutable and cheap to copy.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.hpp"

namespace davit::cli::tmpl {

class Value;
using List = std::vector<Value>;
struct Record;

/// No value at all: a missing map entry. Prints as "<no value>".
struct Nil {};

class Value {
  public:
    Value() = default;
    Value(bool flag) : data_(flag) {}
    Value(std::int64_t number) : data_(number) {}
    Value(int number) : data_(std::int64_t{number}) {}
    Value(double number) : data_(number) {}
    Value(std::string text) : data_(std::move(text)) {}
    Value(const char* text) : data_(std::string(text)) {}
    Value(std::string_view text) : data_(std::string(text)) {}
    Value(List items) : data_(std::make_shared<const List>(std::move(items))) {}
    Value(std::shared_ptr<const Record> record) : data_(std::move(record)) {}
    /// What Docker's Go type of a JSON value is, where the JSON doesn't tell: an object is a struct or a map, null may be an
    /// empty list or map.
    enum class Shape { plain, list, map };
    /// Scalars become Go's types, objects and arrays stay views.
    Value(json::Value value, Shape shape = Shape::plain);

    [[nodiscard]] bool isNil() const { return std::holds_alternative<Nil>(data_); }
    [[nodiscard]] const bool* boolean() const { return std::get_if<bool>(&data_); }
    [[nodiscard]] const std::int64_t* integer() const { return std::get_if<std::int64_t>(&data_); }
    [[nodiscard]] const double* number() const { return std::get_if<double>(&data_); }
    [[nodiscard]] const std::string* text() const { return std::get_if<std::string>(&data_); }
    [[nodiscard]] bool isList() const;
    /// A map with free keys (labels), where a missing key is no error, in contrast to a struct with fixed fields.
    [[nodiscard]] bool isMap() const;
    [[nodiscard]] bool isObject() const;
    [[nodiscard]] const Record* record() const;

    /// Go's truth: not false, 0, "", nil or empty.
    [[nodiscard]] bool truth() const;
    /// Elements, members or bytes. Throws Error{invalid} for what has no length.
    [[nodiscard]] std::size_t length() const;
    [[nodiscard]] List items() const;
    /// Members in order of their names.
    [[nodiscard]] std::vector<std::pair<std::string, Value>> members() const;
    /// The member `name`; std::nullopt when there is none.
    [[nodiscard]] std::optional<Value> member(std::string_view name) const;

    /// As fmt.Print shows it.
    [[nodiscard]] std::string print() const;
    /// As the `json` function shows it.
    [[nodiscard]] std::string jsonText() const;
    /// int, string, map …: for error texts.
    [[nodiscard]] std::string_view typeName() const;

  private:
    struct View {
        json::Value value;
        Shape shape = Shape::plain;
    };
    std::variant<Nil, bool, std::int64_t, double, std::string, View, std::shared_ptr<const List>,
                 std::shared_ptr<const Record>>
        data_;
};

/// A row: named fields and methods with arguments. `struct_like` false makes it a map.
struct Record {
    using Method = std::function<Value(const List& arguments)>;
    std::map<std::string, Value, std::less<>> fields;
    std::map<std::string, Method, std::less<>> methods;
    bool is_map = false;
    /// Fields that templates can use but `json .` doesn't show.
    std::map<std::string, Value, std::less<>> hidden;
};

}  // namespace davit::cli::tmpl
