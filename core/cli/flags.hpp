// FlagSet: a command's flags, parsed by getopt_long(3) but with the manners of pflag, which Docker uses.
//
//     FlagSet flags;
//     flags.boolean(&all, "all", 'a', "Show all containers").list(&filters, "filter", 'f', "filter", "…");
//     const std::vector<std::string> names = flags.parse(arguments);
//
// Known forms: --name value, --name=value, -n value, -nvalue, -n=value, -abc, --flag, --flag=false, -t=false, "--".
// Abbreviated long names are unknown. Targets must outlive parse(). One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace davit::cli {

/// A wrong command line: "unknown flag: --x". The text is pflag's.
class FlagError : public Error {
  public:
    explicit FlagError(std::string text) : Error(Code::invalid, std::move(text)) {}
};

struct Flag {
    std::string name;
    char shorthand = '\0';
    std::string type;  ///< shown in the help: "string", "list"; empty: a boolean
    std::string usage;
    std::string default_text;  ///< shown as "(default x)" when not empty
    std::function<void(const std::string&)> set;
    bool hidden = false;
    bool changed = false;
};

class FlagSet {
  public:
    FlagSet& boolean(bool* target, std::string name, char shorthand, std::string usage);
    FlagSet& string(std::string* target, std::string name, char shorthand, std::string usage);
    /// Each occurrence adds one element; `type` is shown.
    FlagSet& list(std::vector<std::string>* target, std::string name, char shorthand, std::string usage,
                  std::string type = "list");
    FlagSet& integer(std::int64_t* target, std::string name, char shorthand, std::string usage);
    /// Any other type: `set` throws Error{invalid} with the reason for a wrong value.
    FlagSet& custom(std::function<void(const std::string&)> set, std::string name, char shorthand, std::string type,
                    std::string usage);

    /// Of the flag added last.
    FlagSet& hide();
    FlagSet& defaultText(std::string text);

    /// False: flags end at the first positional argument, as for `run IMAGE COMMAND -x`.
    FlagSet& interspersed(bool yes);

    /// Sets the targets; returns the positional arguments. Throws FlagError.
    [[nodiscard]] std::vector<std::string> parse(const std::vector<std::string>& arguments);

    /// Whether the flag was given.
    [[nodiscard]] bool changed(std::string_view name) const;
    [[nodiscard]] const std::vector<Flag>& flags() const noexcept { return flags_; }

    /// The help's lines, names in order, wrapped at `columns`.
    [[nodiscard]] std::string usages(std::size_t columns) const;

  private:
    friend class FlagParser;
    Flag& add(Flag flag);

    std::vector<Flag> flags_;
    bool interspersed_ = true;
};

}  // namespace davit::cli
