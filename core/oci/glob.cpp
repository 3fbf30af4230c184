#include "oci/glob.hpp"

#include "base/error.hpp"

namespace davit::oci {
namespace {

[[noreturn]] void badPattern() { throw Error(Code::invalid, "syntax error in pattern"); }

char classCharacter(std::string_view pattern, std::size_t& at) {
    if (at >= pattern.size() || pattern[at] == '-' || pattern[at] == ']') badPattern();
    if (pattern[at] == '\\' && ++at >= pattern.size()) badPattern();
    return pattern[at++];
}

/// `at` stands after the '['; it is moved behind the ']'.
bool matchClass(std::string_view pattern, std::size_t& at, char character) {
    const bool negated = at < pattern.size() && pattern[at] == '^';
    if (negated) ++at;
    bool found = false;
    for (bool first = true; first || at >= pattern.size() || pattern[at] != ']'; first = false) {
        const char low = classCharacter(pattern, at);
        char high = low;
        if (at < pattern.size() && pattern[at] == '-') high = classCharacter(pattern, ++at);
        found = found || (low <= character && character <= high);
    }
    ++at;
    return found != negated;
}

/// The syntax is checked also where the name has ended, as a bad pattern must be refused whatever it is matched with.
void checkSyntax(std::string_view pattern) {
    for (std::size_t at = 0; at < pattern.size();) {
        const char c = pattern[at++];
        if (c == '\\' && at++ >= pattern.size()) badPattern();
        if (c == '[') (void)matchClass(pattern, at, 'x');
    }
}

/// One pattern element other than '*' against one character.
bool matchOne(std::string_view pattern, std::size_t& at, char character) {
    const char c = pattern[at++];
    if (c == '[') return matchClass(pattern, at, character) && character != '/';
    if (c == '?') return character != '/';
    return (c == '\\' ? pattern[at++] : c) == character;
}

}  // namespace

bool globMatch(std::string_view pattern, std::string_view name) {
    checkSyntax(pattern);
    std::size_t at = 0;
    std::size_t in = 0;
    std::size_t star = std::string_view::npos;  // after the last '*'
    std::size_t star_in = 0;                    // where in the name it began to match
    for (;;) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = ++at;
            star_in = in;
            continue;
        }
        if (at == pattern.size() && in == name.size()) return true;
        if (at < pattern.size() && in < name.size() && matchOne(pattern, at, name[in])) {
            ++in;
            continue;
        }
        if (star == std::string_view::npos || star_in >= name.size() || name[star_in] == '/') return false;
        at = star;
        in = ++star_in;
    }
}

}  // namespace davit::oci
