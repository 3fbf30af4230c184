// Router: method and path → handler. Filled once before the server starts, then read by all threads.
//
// Every route exists with and without a /vX.Y prefix. A pattern is a path whose {variables} match greedily, slashes
// included, so that image names need no escaping: "/images/{name}/json". The first route that matches wins.
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::api {

class Request;
/// Answers the request, or moves its exchange away to answer later. What it throws becomes the answer.
using Handler = std::function<void(Request&)>;

/// An API version "1.41": what handlers branch on.
struct ApiVersion {
    unsigned major = 1;
    unsigned minor = 51;
    [[nodiscard]] static std::optional<ApiVersion> parse(std::string_view text);
    friend auto operator<=>(const ApiVersion&, const ApiVersion&) = default;
};

/// A path cut into its version prefix and the rest.
struct VersionedPath {
    std::optional<std::string> version;  ///< "1.41"
    std::string path;                    ///< "/containers/json", decoded
};
/// `target` is the request target with its query. Throws Error{invalid} for a broken escape or a NUL.
[[nodiscard]] VersionedPath splitTarget(std::string_view target);

class Router {
  public:
    struct Match {
        const Handler* handler = nullptr;
        std::map<std::string, std::string, std::less<>> variables;
    };

    void add(std::string method, std::string pattern, Handler handler);
    [[nodiscard]] std::optional<Match> find(std::string_view method, std::string_view path) const;

  private:
    struct Route {
        std::string method;
        std::vector<std::string> literals;  ///< around the variables: one more than names
        std::vector<std::string> names;
        Handler handler;
    };
    static bool matches(const Route& route, std::string_view path, Match& match);
    std::vector<Route> routes_;
};

}  // namespace davit::api
