// Rules: what a driver must keep, each with a name and a sentence, and what came of checking them.
//
// A suite is a list of rules over a target (a driver and what the runner knows about it). A rule's check returns when the
// rule is kept, throws Broken with what was seen when it isn't, Skipped when the driver doesn't claim the ability. Any
// davit::Error that a rule didn't expect breaks it with the error's text. One thread, unless a rule says otherwise.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace davit::conformance {

class Broken : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};
class Skipped : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

enum class Outcome { kept, broken, skipped };

struct Result {
    std::string_view name;
    std::string_view sentence;
    Outcome outcome = Outcome::kept;
    std::string message;  ///< what broke it, or why it was skipped
};

template <class Target>
struct Rule {
    std::string_view name;      ///< lower_case_words, for --rule and for tests
    std::string_view sentence;  ///< what the driver does
    void (*check)(Target&);
};

template <class Target>
using Rules = std::vector<Rule<Target>>;

/// Checks the rules in order; `only` non-empty: the rule of that name alone. `report` gets each result at once.
template <class Target>
void run(const Rules<Target>& rules, Target& target, std::string_view only,
         const std::function<void(const Result&)>& report) {
    for (const auto& rule : rules) {
        if (!only.empty() && rule.name != only) continue;
        Result result{rule.name, rule.sentence, Outcome::kept, {}};
        try {
            rule.check(target);
        } catch (const Skipped& e) {
            result.outcome = Outcome::skipped;
            result.message = e.what();
        } catch (const std::exception& e) {
            result.outcome = Outcome::broken;
            result.message = e.what();
        }
        report(result);
    }
}

/// Breaks the rule unless `kept`.
inline void expect(bool kept, const std::string& otherwise) {
    if (!kept) throw Broken(otherwise);
}

/// Breaks the rule unless `f` throws an Error of that code with a text. `what` says what was tried.
template <class F>
void expectError(Code code, const std::string& what, F&& f) {
    try {
        f();
    } catch (const Error& e) {
        if (e.code() != code)
            throw Broken(what + ": error code " + std::to_string(static_cast<int>(code)) + " expected, got " +
                         std::to_string(static_cast<int>(e.code())) + " (" + e.text() + ")");
        expect(!e.text().empty(), what + ": an error without a text");
        return;
    }
    throw Broken(what + ": succeeded");
}

/// Runs `f`; an Error{unimplemented} skips the rule.
template <class F>
auto optional(std::string_view method, F&& f) {
    try {
        return f();
    } catch (const Error& e) {
        if (e.code() == Code::unimplemented) throw Skipped(std::string(method) + " is left to the engine");
        throw;
    }
}

}  // namespace davit::conformance
