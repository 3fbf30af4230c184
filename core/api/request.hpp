// Request: what a handler gets: the exchange, cut up and decoded, and the ways to answer it with Docker's headers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/router.hpp"
#include "base/json.hpp"
#include "http/server.hpp"

namespace davit::api {

class Request {
  public:
    using Variables = std::map<std::string, std::string, std::less<>>;

    Request(http::Exchange exchange, ApiVersion version, Variables variables, http::Query query);
    /// Throws Error{invalid} for a query that can't be decoded.
    [[nodiscard]] static http::Query queryOf(const http::Exchange& exchange);

    [[nodiscard]] http::Exchange& exchange() noexcept { return exchange_; }
    [[nodiscard]] const http::RequestHead& head() const noexcept { return exchange_.request(); }
    [[nodiscard]] const http::Query& query() const noexcept { return query_; }
    /// A variable of the route's pattern.
    [[nodiscard]] const std::string& variable(std::string_view name) const;
    /// True when the client speaks at least 1.`minor`.
    [[nodiscard]] bool atLeast(unsigned minor) const noexcept { return version_ >= ApiVersion{1, minor}; }

    /// The body as JSON, under Docker's rules: Content-Type application/json, at most 8 MiB, exactly one value. Throws
    /// Error{invalid} with Docker's texts, StatusError 413.
    [[nodiscard]] json::Document json();
    /// The same, std::nullopt for no body at all.
    [[nodiscard]] std::optional<json::Document> optionalJson();

    /// The headers of every reply.
    [[nodiscard]] static http::Headers commonHeaders();
    void reply(unsigned status, const json::Writer& body);
    void replyText(unsigned status, std::string content_type, std::string_view text);
    void replyEmpty(unsigned status);
    [[nodiscard]] http::BodyWriter startStream(unsigned status, std::string content_type);

  private:
    http::Exchange exchange_;
    ApiVersion version_;
    Variables variables_;
    http::Query query_;
};

}  // namespace davit::api
