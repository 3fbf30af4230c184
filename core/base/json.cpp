#include "base/json.hpp"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <set>

#include "base/check.hpp"

namespace davit::json {
namespace {

using Node = rapidjson::Value;
using Member = Node::Member;

const Node& nodeOf(const void* node) { return *static_cast<const Node*>(node); }
std::string_view nameOf(const Member& member) { return {member.name.GetString(), member.name.GetStringLength()}; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool equalInAnyCase(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view typeName(const void* node) {
    if (node == nullptr) return "null";
    constexpr std::string_view kNames[] = {"null", "bool", "bool", "object", "array", "string", "number"};
    return kNames[nodeOf(node).GetType()];
}

[[noreturn]] void wrongType(const void* node, std::string_view wanted) {
    throw error(Code::invalid, "invalid JSON: cannot read {} as {}", typeName(node), wanted);
}

// Iterative, like the parser: the depth is the sender's choice.
void limitDepth(const Node& root, unsigned limit) {
    std::vector<std::pair<const Node*, unsigned>> pending{{&root, 1}};
    const auto push = [&](const Node& child, unsigned depth) {
        if (!child.IsObject() && !child.IsArray()) return;
        if (depth > limit) throw error(Code::invalid, "invalid JSON: nested deeper than {} levels", limit);
        pending.emplace_back(&child, depth);
    };
    while (!pending.empty()) {
        const auto [node, depth] = pending.back();
        pending.pop_back();
        if (node->IsArray())
            for (const Node& child : node->GetArray()) push(child, depth + 1);
        if (!node->IsObject()) continue;
        for (const Member& member : node->GetObject()) push(member.value, depth + 1);
    }
}

}  // namespace

struct Document::Impl {
    rapidjson::Document document;
};

Document Document::parse(std::string_view text, unsigned depth) {
    auto impl = std::make_unique<Impl>();
    constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
    impl->document.Parse<kFlags>(text.data(), text.size());
    if (impl->document.HasParseError())
        throw error(Code::invalid, "invalid JSON: {} at offset {}",
                    rapidjson::GetParseError_En(impl->document.GetParseError()), impl->document.GetErrorOffset());
    limitDepth(impl->document, depth);
    return Document(std::move(impl));
}

Document::Document(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;
Value Document::root() const noexcept { return Value(static_cast<const Node*>(&impl_->document)); }

bool Value::isNull() const noexcept { return node_ == nullptr || nodeOf(node_).IsNull(); }
bool Value::isString() const noexcept { return node_ != nullptr && nodeOf(node_).IsString(); }
bool Value::isBool() const noexcept { return node_ != nullptr && nodeOf(node_).IsBool(); }
bool Value::isNumber() const noexcept { return node_ != nullptr && nodeOf(node_).IsNumber(); }
bool Value::isArray() const noexcept { return node_ != nullptr && nodeOf(node_).IsArray(); }
bool Value::isObject() const noexcept { return node_ != nullptr && nodeOf(node_).IsObject(); }

Value Value::operator[](std::string_view name) const {
    if (isNull()) return {};
    if (!isObject()) wrongType(node_, "object");
    const Member* found = nullptr;
    for (const Member& member : nodeOf(node_).GetObject()) {
        if (!equalInAnyCase(nameOf(member), name)) continue;
        if (found != nullptr && nameOf(*found) != nameOf(member))
            throw error(Code::invalid, "invalid JSON: members {} and {} differ only in case", quote(nameOf(*found)),
                        quote(nameOf(member)));
        found = &member;
    }
    return found != nullptr ? Value(&found->value) : Value();
}

std::string_view Value::stringView(std::string_view fallback) const {
    if (isNull()) return fallback;
    if (!isString()) wrongType(node_, "string");
    return {nodeOf(node_).GetString(), nodeOf(node_).GetStringLength()};
}

std::string Value::string(std::string_view fallback) const { return std::string(stringView(fallback)); }

std::int64_t Value::integer(std::int64_t fallback) const {
    if (isNull()) return fallback;
    if (!nodeOf(node_).IsInt64()) wrongType(node_, "int64");
    return nodeOf(node_).GetInt64();
}

std::uint64_t Value::unsignedInteger(std::uint64_t fallback) const {
    if (isNull()) return fallback;
    if (!nodeOf(node_).IsUint64()) wrongType(node_, "uint64");
    return nodeOf(node_).GetUint64();
}

double Value::number(double fallback) const {
    if (isNull()) return fallback;
    if (!isNumber()) wrongType(node_, "number");
    return nodeOf(node_).GetDouble();
}

bool Value::boolean(bool fallback) const {
    if (isNull()) return fallback;
    if (!isBool()) wrongType(node_, "bool");
    return nodeOf(node_).GetBool();
}

Array Value::array() const {
    if (isNull()) return {nullptr, nullptr, 0};
    if (!isArray()) wrongType(node_, "array");
    const auto items = nodeOf(node_).GetArray();
    return {items.begin(), items.end(), items.Size()};
}

Object Value::object() const {
    if (isNull()) return {nullptr, nullptr, 0};
    if (!isObject()) wrongType(node_, "object");
    const Node& node = nodeOf(node_);
    if (node.MemberCount() == 0) return {nullptr, nullptr, 0};
    const Member* first = &*node.MemberBegin();
    return {first, first + node.MemberCount(), node.MemberCount()};
}

std::vector<std::string> Value::strings() const {
    std::vector<std::string> texts;
    for (const Value item : array()) texts.push_back(item.string());
    return texts;
}

std::map<std::string, std::string> Value::stringMap() const {
    std::map<std::string, std::string> texts;
    for (const auto [name, item] : object()) texts[std::string(name)] = item.string();
    return texts;
}

std::string Value::text() const {
    if (isNull()) return "null";
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    nodeOf(node_).Accept(writer);
    return {buffer.GetString(), buffer.GetSize()};
}

Value Array::Iterator::operator*() const noexcept { return Value(at_); }
Array::Iterator& Array::Iterator::operator++() noexcept {
    at_ = static_cast<const Node*>(at_) + 1;
    return *this;
}

std::pair<std::string_view, Value> Object::Iterator::operator*() const noexcept {
    const auto& member = *static_cast<const Member*>(at_);
    return {nameOf(member), Value(&member.value)};
}
Object::Iterator& Object::Iterator::operator++() noexcept {
    at_ = static_cast<const Member*>(at_) + 1;
    return *this;
}

}  // namespace davit::json
