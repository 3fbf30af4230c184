#include "resolver/protocol.hpp"

#include "base/check.hpp"
#include "base/json.hpp"

namespace davit::resolver {
namespace {

using Operation = Message::Operation;

constexpr std::pair<Operation, std::string_view> kOperations[] = {
    {Operation::hello, "hello"}, {Operation::begin, "begin"}, {Operation::set, "set"},   {Operation::remove, "remove"},
    {Operation::end, "end"},     {Operation::done, "done"},   {Operation::need, "need"}};

std::string_view nameOf(Operation operation) {
    for (const auto& [value, name] : kOperations)
        if (value == operation) return name;
    return "unknown";
}

Operation operationOf(std::string_view text) {
    for (const auto& [value, name] : kOperations)
        if (name == text) return value;
    return Operation::unknown;
}

void write(json::Writer& out, const Membership& membership) {
    out.object([&] {
        out.member("Network", membership.network).member("NetworkName", membership.network_name);
        out.member("Names", membership.names).member("Links", membership.links);
        out.array("Addresses", [&] {
            for (const IpAddress& address : membership.addresses) out.value(address.text());
        });
    });
}

void write(json::Writer& out, const SandboxNames& names) {
    out.object("Sandbox", [&] {
        out.member("ID", names.id).member("Forward", names.forward).member("NdotsSet", names.ndots_set);
        out.array("Memberships", [&] {
            for (const Membership& membership : names.memberships) write(out, membership);
        });
        out.array("Upstreams", [&] {
            for (const Upstream& upstream : names.upstreams)
                out.object([&] { out.member("Address", upstream.address).member("FromHost", upstream.from_host); });
        });
    });
}

Membership readMembership(const json::Value& value) {
    Membership membership{.network = value["Network"].string(),
                          .network_name = value["NetworkName"].string(),
                          .names = value["Names"].strings(),
                          .addresses = {},
                          .links = value["Links"].stringMap()};
    for (const json::Value one : value["Addresses"].array()) {
        const std::optional<IpAddress> address = IpAddress::parse(one.stringView());
        if (!address) throw error(Code::invalid, "'{}' is no address", one.string());
        membership.addresses.push_back(*address);
    }
    return membership;
}

SandboxNames readNames(const json::Value& value) {
    SandboxNames names{.id = value["ID"].string(),
                       .memberships = {},
                       .upstreams = {},
                       .forward = value["Forward"].boolean(),
                       .ndots_set = value["NdotsSet"].boolean()};
    for (const json::Value one : value["Memberships"].array()) names.memberships.push_back(readMembership(one));
    for (const json::Value one : value["Upstreams"].array())
        names.upstreams.push_back({one["Address"].string(), one["FromHost"].boolean()});
    return names;
}

}  // namespace

std::string encode(const Message& message) {
    json::Writer out;
    out.object([&] {
        out.member("Op", nameOf(message.operation));
        if (message.operation == Operation::hello) out.member("Version", message.version);
        if (message.operation == Operation::remove || message.operation == Operation::need) out.member("ID", message.id);
        if (message.operation == Operation::set) write(out, message.names);
    });
    return out.take();
}

Message decode(std::string_view text) {
    const json::Document document = json::Document::parse(text);
    const json::Value root = document.root();
    Message message{.operation = operationOf(root["Op"].stringView())};
    message.version = static_cast<int>(root["Version"].integer());
    message.id = root["ID"].string();
    if (message.operation == Operation::set) message.names = readNames(root["Sandbox"]);
    return message;
}

}  // namespace davit::resolver
