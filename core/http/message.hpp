// HTTP messages: header fields, request and response heads, and the pieces of a request target.
//
// Plain values without I/O; any thread. Parsing and printing them is codec.hpp's business.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace davit::http {

/// What no peer may exceed (faults.md F19-F21).
inline constexpr std::size_t kMaxHeadSize = 64 * 1024;        ///< start line and fields together: else 431
inline constexpr std::size_t kMaxJsonBody = 8 * 1024 * 1024;  ///< a body that is read whole: else 413

/// A failure that has an HTTP status of its own (413, 431, 404 without an object …). Others get theirs from
/// api/errors.hpp.
class StatusError : public Error {
  public:
    StatusError(unsigned status, std::string text) : Error(Code::invalid, std::move(text)), status_(status) {}
    [[nodiscard]] unsigned status() const noexcept { return status_; }

  private:
    unsigned status_;
};

/// True when equal but for ASCII case.
[[nodiscard]] bool equalNames(std::string_view a, std::string_view b) noexcept;

/// Header fields in the order of the message. Names compare in any case; a name may occur several times.
class Headers {
  public:
    using Field = std::pair<std::string, std::string>;

    Headers() = default;
    Headers(std::initializer_list<Field> fields) : fields_(fields) {}

    void add(std::string name, std::string value);
    /// Replaces every field of that name by one.
    void set(std::string_view name, std::string value);
    void remove(std::string_view name);

    /// The first field of that name.
    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
    /// get(), or `fallback`.
    [[nodiscard]] std::string_view value(std::string_view name, std::string_view fallback = {}) const;
    [[nodiscard]] bool has(std::string_view name) const { return get(name).has_value(); }
    [[nodiscard]] std::size_t count(std::string_view name) const;
    /// True when one of the comma-separated elements of the fields of that name equals `token` in any case.
    [[nodiscard]] bool hasToken(std::string_view name, std::string_view token) const;

    [[nodiscard]] auto begin() const noexcept { return fields_.begin(); }
    [[nodiscard]] auto end() const noexcept { return fields_.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }

  private:
    std::vector<Field> fields_;
};

struct RequestHead {
    std::string method = "GET";
    std::string target = "/";  ///< as sent: path and query, percent-encoded
    unsigned version = 11;     ///< 10 or 11
    Headers headers{};
};

struct ResponseHead {
    unsigned status = 200;
    std::string reason{};  ///< empty: the usual text of the status
    unsigned version = 11;
    Headers headers{};
};

/// "Not Found" for 404; "" for a status without a usual text.
[[nodiscard]] std::string_view reasonPhrase(unsigned status) noexcept;

/// Decodes %XX (and '+' as a space when `plus`). std::nullopt for a broken escape.
[[nodiscard]] std::optional<std::string> percentDecode(std::string_view text, bool plus = false);

/// Encodes everything but unreserved characters and those in `keep`.
[[nodiscard]] std::string percentEncode(std::string_view text, std::string_view keep = {});

/// The parameters of a query string, decoded, in order.
class Query {
  public:
    Query() = default;
    /// `text` without the '?'. Throws Error{invalid} for a broken escape.
    [[nodiscard]] static Query parse(std::string_view text);

    void add(std::string name, std::string value) { items_.emplace_back(std::move(name), std::move(value)); }
    [[nodiscard]] bool has(std::string_view name) const;
    /// The first value of that name, or "".
    [[nodiscard]] std::string get(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
    /// Docker's rule: false for absent, "", "0", "no", "false" and "none" in any case; else true.
    [[nodiscard]] bool flag(std::string_view name, bool fallback = false) const;
    /// std::nullopt when absent or empty; throws Error{invalid} with Go's strconv text for anything but a number.
    [[nodiscard]] std::optional<long long> integer(std::string_view name) const;
    /// Encoded, without '?'.
    [[nodiscard]] std::string text() const;

  private:
    std::vector<std::pair<std::string, std::string>> items_;
};

}  // namespace davit::http
