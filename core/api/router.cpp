#include "api/router.hpp"

#include <charconv>

#include "base/check.hpp"
#include "http/message.hpp"

namespace davit::api {
namespace {

bool digitsAndDots(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool readNumber(std::string_view text, unsigned& number) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::optional<ApiVersion> ApiVersion::parse(std::string_view text) {
    ApiVersion version{0, 0};
    const auto dot = text.find('.');
    if (!readNumber(text.substr(0, dot), version.major)) return std::nullopt;
    if (dot != std::string_view::npos && !readNumber(text.substr(dot + 1), version.minor)) return std::nullopt;
    return version;
}

VersionedPath splitTarget(std::string_view target) {
    target = target.substr(0, target.find_first_of("?#"));
    // An absolute target, as for a proxy: "http://host/path".
    if (const auto scheme = target.find("://"); scheme != std::string_view::npos && target.front() != '/') {
        const auto slash = target.find('/', scheme + 3);
        target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
    }
    auto decoded = http::percentDecode(target);
    if (!decoded || decoded->find('\0') != std::string::npos)
        throw error(Code::invalid, "invalid URL escape in the path");
    VersionedPath result;
    result.path = std::move(*decoded);
    if (!result.path.starts_with("/v")) return result;
    const auto slash = result.path.find('/', 2);
    if (slash == std::string::npos) return result;
    const std::string version = result.path.substr(2, slash - 2);
    if (!digitsAndDots(version)) return result;
    result.version = version;
    result.path.erase(0, slash);
    return result;
}

void Router::add(std::string method, std::string pattern, Handler handler) {
    Route route{std::move(method), {}, {}, std::move(handler)};
    std::string_view rest = pattern;
    while (true) {
        const auto open = rest.find('{');
        route.literals.emplace_back(rest.substr(0, open));
        if (open == std::string_view::npos) break;
        const auto close = rest.find('}', open);
        route.names.emplace_back(rest.substr(open + 1, close - open - 1));
        rest.remove_prefix(close + 1);
    }
    routes_.push_back(std::move(route));
}

// Each variable takes as much as it can: its end is the last place where the literal behind it occurs.
bool Router::matches(const Route& route, std::string_view path, Match& match) {
    if (!path.starts_with(route.literals.front())) return false;
    path.remove_prefix(route.literals.front().size());
    if (route.names.empty()) return path.empty();
    std::map<std::string, std::string, std::less<>> variables;
    for (std::size_t i = route.names.size(); i-- > 0;) {
        const std::string& literal = route.literals[i + 1];
        std::size_t at = 0;
        if (i + 1 == route.names.size()) {
            if (!path.ends_with(literal)) return false;
            at = path.size() - literal.size();
        } else {
            at = path.rfind(literal);
            if (at == std::string_view::npos) return false;
            variables[route.names[i + 1]] = path.substr(at + literal.size());
        }
        path = path.substr(0, at);
    }
    variables[route.names.front()] = path;
    for (const auto& [name, text] : variables)
        if (text.empty()) return false;
    match.variables = std::move(variables);
    return true;
}

std::optional<Router::Match> Router::find(std::string_view method, std::string_view path) const {
    for (const Route& route : routes_) {
        Match match;
        if (route.method != method || !matches(route, path, match)) continue;
        match.handler = &route.handler;
        return match;
    }
    return std::nullopt;
}

}  // namespace davit::api
