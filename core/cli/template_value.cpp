#include "cli/template_value.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"
#include "cli/table.hpp"

namespace davit::cli::tmpl {
namespace {

// Members of Docker's API types that are Go maps. Other objects are structs.
constexpr std::string_view kMaps[] = {
    "Labels",  "Ports",    "Networks",  "Options", "Sysctls",      "Tmpfs",        "Annotations", "DriverOpts", "Data",
    "Volumes", "Metadata", "Endpoints", "Details", "ExposedPorts", "PortBindings", "StorageOpt",  "Runtimes",   "Attributes"};
// Those that are lists. They may be null.
constexpr std::string_view kLists[] = {"Env",
                                       "Cmd",
                                       "Entrypoint",
                                       "OnBuild",
                                       "Binds",
                                       "CapAdd",
                                       "CapDrop",
                                       "ExtraHosts",
                                       "GroupAdd",
                                       "Links",
                                       "SecurityOpt",
                                       "VolumesFrom",
                                       "DeviceRequests",
                                       "DeviceCgroupRules",
                                       "ExecIDs",
                                       "Mounts",
                                       "RepoTags",
                                       "RepoDigests",
                                       "Dns",
                                       "DnsOptions",
                                       "DnsSearch",
                                       "Args",
                                       "Devices",
                                       "Ulimits",
                                       "Shell",
                                       "MaskedPaths",
                                       "ReadonlyPaths",
                                       "DNSNames",
                                       "Aliases",
                                       "SecondaryIPAddresses",
                                       "SecondaryIPv6Addresses",
                                       "Layers"};

// `parent` has the member `name`.
Value::Shape shapeOf(const json::Value& parent, std::string_view name) {
    if (std::find(std::begin(kMaps), std::end(kMaps), name) != std::end(kMaps)) return Value::Shape::map;
    if (std::find(std::begin(kLists), std::end(kLists), name) != std::end(kLists)) return Value::Shape::list;
    // LogConfig's Config is a map, a container's is a struct.
    return name == "Config" && parent["Type"].isString() ? Value::Shape::map : Value::Shape::plain;
}

std::string printNested(const Value& value) { return value.isNil() ? "<nil>" : value.print(); }

}  // namespace

Value::Value(json::Value value, Shape shape) {
    if (value.isNull()) {
        if (shape != Shape::plain) data_ = View{value, shape};
    } else if (value.isBool()) {
        data_ = value.boolean();
    } else if (value.isString()) {
        data_ = value.string();
    } else if (value.isNumber()) {
        const std::string text = value.text();
        if (text.find_first_of(".eE") != std::string::npos || text.size() > 19)
            data_ = value.number();
        else
            data_ = value.integer();
    } else {
        data_ = View{value, shape};
    }
}

bool Value::isList() const {
    if (const auto* view = std::get_if<View>(&data_))
        return view->value.isArray() || (view->value.isNull() && view->shape == Shape::list);
    return std::holds_alternative<std::shared_ptr<const List>>(data_);
}

bool Value::isObject() const {
    if (const auto* view = std::get_if<View>(&data_)) return view->value.isObject() || isMap();
    return record() != nullptr;
}

bool Value::isMap() const {
    if (const auto* view = std::get_if<View>(&data_)) return view->shape == Shape::map && !view->value.isArray();
    return record() != nullptr && record()->is_map;
}

const Record* Value::record() const {
    const auto* record = std::get_if<std::shared_ptr<const Record>>(&data_);
    return record != nullptr ? record->get() : nullptr;
}

bool Value::truth() const {
    if (isNil()) return false;
    if (boolean() != nullptr) return *boolean();
    if (integer() != nullptr) return *integer() != 0;
    if (number() != nullptr) return *number() != 0;
    if (isObject() && !isMap()) return true;
    return length() > 0;
}

std::size_t Value::length() const {
    if (text() != nullptr) return text()->size();
    if (const auto* list = std::get_if<std::shared_ptr<const List>>(&data_)) return (*list)->size();
    if (record() != nullptr) return record()->fields.size();
    if (const auto* view = std::get_if<View>(&data_))
        return view->value.isArray() ? view->value.array().size() : view->value.object().size();
    throw error(Code::invalid, "error calling len: len of {}",
                isNil() ? "nil pointer" : "type " + std::string(typeName()));
}

List Value::items() const {
    if (const auto* list = std::get_if<std::shared_ptr<const List>>(&data_)) return **list;
    List out;
    if (const auto* view = std::get_if<View>(&data_); view != nullptr && view->value.isArray())
        for (const json::Value item : view->value.array()) out.emplace_back(item);
    return out;
}

std::vector<std::pair<std::string, Value>> Value::members() const {
    std::vector<std::pair<std::string, Value>> out;
    if (record() != nullptr) out.assign(record()->fields.begin(), record()->fields.end());
    if (const auto* view = std::get_if<View>(&data_); view != nullptr && view->value.isObject())
        for (const auto& [name, item] : view->value.object())
            out.emplace_back(name, Value(item, shapeOf(view->value, name)));
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return out;
}

std::optional<Value> Value::member(std::string_view name) const {
    if (record() != nullptr) {
        for (const auto* fields : {&record()->fields, &record()->hidden})
            if (const auto at = fields->find(name); at != fields->end()) return at->second;
        return std::nullopt;
    }
    if (const auto* view = std::get_if<View>(&data_); view != nullptr && view->value.isObject())
        for (const auto& [key, item] : view->value.object())
            if (key == name) return Value(item, shapeOf(view->value, name));
    return std::nullopt;
}

std::string Value::print() const {
    if (isNil()) return "<no value>";
    if (boolean() != nullptr) return *boolean() ? "true" : "false";
    if (integer() != nullptr) return std::to_string(*integer());
    if (number() != nullptr) return fmt::format("{}", *number());
    if (text() != nullptr) return *text();
    std::string out;
    if (isList()) {
        for (const Value& item : items()) out += (out.empty() ? "" : " ") + printNested(item);
        return "[" + out + "]";
    }
    if (isMap()) {
        for (const auto& [name, item] : members()) out += (out.empty() ? "" : " ") + name + ":" + printNested(item);
        return "map[" + out + "]";
    }
    if (const auto* view = std::get_if<View>(&data_)) {  // a struct prints its fields in their own order
        for (const auto& [name, item] : view->value.object())
            out += (out.empty() ? "" : " ") + printNested(Value(item, shapeOf(view->value, name)));
        return "{" + out + "}";
    }
    return jsonText();
}

std::string Value::jsonText() const {
    if (isNil()) return "null";
    if (text() != nullptr) return json::quote(*text());
    if (const auto* view = std::get_if<View>(&data_)) return view->value.text();
    std::string out;
    if (isList()) {
        for (const Value& item : items()) out += (out.empty() ? "" : ",") + item.jsonText();
        return "[" + out + "]";
    }
    if (isObject()) {
        for (const auto& [name, item] : members())
            out += (out.empty() ? "" : ",") + json::quote(name) + ":" + item.jsonText();
        return "{" + out + "}";
    }
    return print();
}

std::string_view Value::typeName() const {
    if (isNil()) return "nil";
    if (boolean() != nullptr) return "bool";
    if (integer() != nullptr) return "int";
    if (number() != nullptr) return "float64";
    if (text() != nullptr) return "string";
    if (isList()) return "slice";
    return isMap() ? "map" : "struct";
}

}  // namespace davit::cli::tmpl
