// Filters: the `filters=` parameter of Docker's list and prune calls, in both spellings: {"label":["a=b"]} and the older
// {"label":{"a=b":true}}.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace davit::engine {

class Filters {
  public:
    Filters() = default;
    /// Empty text: no filter. Throws Error{invalid} for what is neither of the two forms.
    [[nodiscard]] static Filters parse(std::string_view json);

    void add(std::string name, std::string value);
    [[nodiscard]] bool empty() const noexcept { return values_.empty(); }
    [[nodiscard]] bool has(std::string_view name) const;
    /// The values given for `name`, in their order; none when absent.
    [[nodiscard]] const std::vector<std::string>& values(std::string_view name) const;
    /// The single value of a filter that takes one; throws Error{invalid} when there are more.
    [[nodiscard]] bool boolean(std::string_view name, bool fallback) const;
    /// Throws Error{invalid} "invalid filter 'x'" for any name outside `known`.
    void allowOnly(const std::vector<std::string_view>& known) const;

    /// No value given, or one of them equals `text`.
    [[nodiscard]] bool matchExact(std::string_view name, std::string_view text) const;
    /// No value given, or `text` begins with one of them.
    [[nodiscard]] bool matchBeginning(std::string_view name, std::string_view text) const;
    /// No value given, or one of them is found in `text` (Docker's fuzzy match of names: a regular expression, else a part).
    [[nodiscard]] bool matchFuzzy(std::string_view name, std::string_view text) const;
    /// No "id" given, or one of them begins `id`.
    [[nodiscard]] bool matchFuzzyId(std::string_view id) const;
    /// Every "key" or "key=value" given for `name` holds for `labels`.
    [[nodiscard]] bool matchLabels(std::string_view name, const std::map<std::string, std::string>& labels) const;

  private:
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

}  // namespace davit::engine
