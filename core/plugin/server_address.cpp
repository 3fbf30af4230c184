#include "plugin/server_address.hpp"

#include <charconv>

#include "base/check.hpp"
#include "base/json.hpp"

namespace davit::plugin {
namespace {

std::string_view trim(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const auto first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// "host:port", "[::1]:port", with anything after a slash cut off.
void splitHostPort(std::string_view text, std::string_view url, ServerAddress& address) {
    text = text.substr(0, text.find('/'));
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon + 1 == text.size())
        throw error(Code::invalid, "plugin address \"{}\": no port", url);
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
    if (failure != std::errc() || end != digits.data() + digits.size() || host.empty() || address.port == 0)
        throw error(Code::invalid, "plugin address \"{}\": bad host or port", url);
    address.host = host;
}

}  // namespace

bool ServerAddress::operator==(const ServerAddress& other) const {
    return scheme == other.scheme && path == other.path && host == other.host && port == other.port &&
           verify == other.verify && tls.ca == other.tls.ca && tls.cert == other.tls.cert && tls.key == other.tls.key;
}

std::string ServerAddress::text() const {
    if (scheme == Scheme::unix_socket) return "unix://" + path;
    const bool v6 = host.find(':') != std::string::npos;
    return fmt::format("{}://{}{}{}:{}", scheme == Scheme::tcp ? "tcp" : "https", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

// Newer Docker daemons send this name over unix sockets; some servers refuse an empty one.
std::string ServerAddress::hostField() const {
    return scheme == Scheme::unix_socket ? "plugin.moby.localhost" : fmt::format("{}:{}", host, port);
}

ServerAddress unixAddress(const std::filesystem::path& socket) { return {.path = socket.native(), .host = {}, .tls = {}}; }

ServerAddress parseAddress(std::string_view url) {
    const std::string_view text = trim(url);
    const auto separator = text.find("://");
    if (separator == std::string_view::npos) throw error(Code::invalid, "plugin address \"{}\": Unknown protocol", text);
    const std::string_view scheme = text.substr(0, separator);
    const std::string_view rest = text.substr(separator + 3);
    ServerAddress address;
    if (scheme == "unix") {
        if (!rest.starts_with('/')) throw error(Code::invalid, "plugin address \"{}\": not an absolute path", text);
        address.path = rest;
    } else if (scheme == "tcp" || scheme == "http") {
        address.scheme = ServerAddress::Scheme::tcp;
        splitHostPort(rest, text, address);
    } else if (scheme == "https") {
        address.scheme = ServerAddress::Scheme::tls;
        splitHostPort(rest, text, address);
    } else {
        throw error(Code::invalid, "plugin address \"{}\": Unknown protocol", text);
    }
    return address;
}

ServerAddress parseAddressFile(std::string_view text) {
    const json::Document document = json::Document::parse(text);
    const json::Value root = document.root();
    ServerAddress address = parseAddress(root["Addr"].string());
    const json::Value tls = root["TLSConfig"];
    if (tls.isNull() || address.scheme == ServerAddress::Scheme::unix_socket) return address;
    address.scheme = ServerAddress::Scheme::tls;
    address.tls = {tls["CAFile"].string(), tls["CertFile"].string(), tls["KeyFile"].string()};
    address.verify = !tls["InsecureSkipVerify"].boolean() && !address.tls.ca.empty();
    return address;
}

}  // namespace davit::plugin
