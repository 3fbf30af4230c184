#include "oci/reference.hpp"

#include <algorithm>
#include <cctype>

#include "base/check.hpp"
#include "oci/digest.hpp"
#include "oci/glob.hpp"

namespace davit::oci {
namespace {

constexpr std::string_view kDefaultDomain = "docker.io";
constexpr std::string_view kLegacyDomain = "index.docker.io";
constexpr std::string_view kOfficial = "library/";
constexpr std::size_t kMaxPath = 255;
constexpr std::size_t kMaxTag = 128;

// The C library's classifiers would ask the locale.
bool isLower(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool isUpper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
bool isNumber(char c) noexcept { return c >= '0' && c <= '9'; }
bool isAlnum(char c) noexcept { return isLower(c) || isUpper(c) || isNumber(c); }
bool isPathChar(char c) noexcept { return isLower(c) || isNumber(c); }
bool hasUpper(std::string_view text) noexcept { return std::any_of(text.begin(), text.end(), isUpper); }
bool isHex(char c) noexcept { return isNumber(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

[[noreturn]] void invalid(std::string_view why = {}) {
    throw error(Code::invalid, "invalid reference format{}{}", why.empty() ? "" : ": ", why);
}

/// Runs of [a-z0-9], between them ".", "_", "__" or any number of "-".
bool isPathComponent(std::string_view text) noexcept {
    std::size_t at = 0;
    for (;;) {
        const std::size_t begin = at;
        while (at < text.size() && isPathChar(text[at])) ++at;
        if (at == begin) return false;
        if (at == text.size()) return true;
        const char separator = text[at];
        const std::size_t first = at;
        while (at < text.size() && text[at] == separator) ++at;
        const std::size_t count = at - first;
        const bool fine = separator == '-' || (separator == '.' && count == 1) || (separator == '_' && count <= 2);
        if (!fine) return false;
    }
}

template <typename Predicate>
bool allComponents(std::string_view text, char separator, Predicate predicate) {
    for (;;) {
        const std::size_t end = text.find(separator);
        if (!predicate(text.substr(0, end))) return false;
        if (end == std::string_view::npos) return true;
        text.remove_prefix(end + 1);
    }
}

bool isHostLabel(std::string_view text) noexcept {
    return !text.empty() && isAlnum(text.front()) && isAlnum(text.back()) &&
           std::all_of(text.begin(), text.end(), [](char c) { return isAlnum(c) || c == '-'; });
}

bool isDomain(std::string_view text) noexcept {
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos || close < 2) return false;
        const std::string_view address = text.substr(1, close - 1);
        if (!std::all_of(address.begin(), address.end(), [](char c) { return isHex(c) || c == ':'; })) return false;
        port = text.substr(close + 1);
        if (port.empty()) return true;
    } else {
        const std::size_t colon = text.find(':');
        if (!allComponents(text.substr(0, colon), '.', isHostLabel)) return false;
        if (colon == std::string_view::npos) return true;
        port = text.substr(colon);
    }
    return port.size() > 1 && port.front() == ':' && std::all_of(port.begin() + 1, port.end(), isNumber);
}

/// The shape that Docker's grammar asks of a digest before it looks at the algorithm.
bool isDigestShaped(std::string_view text) noexcept {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0 || !(isLower(text[0]) || isUpper(text[0]))) return false;
    const std::string_view hex = text.substr(colon + 1);
    return hex.size() >= 32 && std::all_of(hex.begin(), hex.end(), isHex);
}

/// What stands before the first slash is a host only if it looks like one.
void splitDomain(std::string_view text, Reference& reference, std::string& remainder) {
    const std::size_t slash = text.find('/');
    const std::string_view first = text.substr(0, slash);
    const bool host = slash != std::string_view::npos &&
                      (first.find_first_of(".:") != std::string_view::npos || first == "localhost" || hasUpper(first));
    reference.domain = host ? first : kDefaultDomain;
    remainder = host ? text.substr(slash + 1) : text;
    if (reference.domain == kLegacyDomain) reference.domain = kDefaultDomain;
    if (reference.domain == kDefaultDomain && remainder.find('/') == std::string::npos) remainder.insert(0, kOfficial);
}

void parseRemainder(std::string_view remainder, Reference& reference) {
    if (const std::size_t at = remainder.find('@'); at != std::string_view::npos) {
        const std::string_view digest = remainder.substr(at + 1);
        if (!isDigestShaped(digest)) invalid();
        remainder = remainder.substr(0, at);
        reference.digest = parseDigest(digest);
    }
    const std::size_t slash = remainder.rfind('/');
    const std::size_t colon = remainder.find(':', slash == std::string_view::npos ? 0 : slash);
    if (colon != std::string_view::npos) {
        reference.tag = remainder.substr(colon + 1);
        if (!isTag(reference.tag)) invalid();
        remainder = remainder.substr(0, colon);
    }
    if (!allComponents(remainder, '/', isPathComponent)) invalid();
    if (remainder.size() > kMaxPath)
        throw error(Code::invalid, "repository name must not be longer than {} characters", kMaxPath);
    reference.path = remainder;
}

}  // namespace

Reference Reference::parse(std::string_view text) {
    const auto lower_hex = [](char c) { return isHex(c) && !isUpper(c); };
    if (text.size() == 64 && std::all_of(text.begin(), text.end(), lower_hex))
        throw error(Code::invalid, "invalid repository name ({}), cannot specify 64-byte hexadecimal strings", text);
    Reference reference;
    std::string remainder;
    splitDomain(text, reference, remainder);
    const std::string remote = remainder.substr(0, remainder.find(':'));
    if (hasUpper(remote)) invalid(fmt::format("repository name ({}) must be lowercase", remote));
    if (!isDomain(reference.domain)) invalid();
    parseRemainder(remainder, reference);
    return reference;
}

std::string Reference::familiarName() const {
    if (domain != kDefaultDomain) return name();
    const std::string_view whole = path;
    const bool official = whole.starts_with(kOfficial) && whole.find('/', kOfficial.size()) == std::string_view::npos;
    return std::string(official ? whole.substr(kOfficial.size()) : whole);
}

namespace {
std::string withSuffix(std::string text, const Reference& reference) {
    if (!reference.tag.empty()) text += ":" + reference.tag;
    if (!reference.digest.empty()) text += "@" + reference.digest;
    return text;
}
}  // namespace

std::string Reference::string() const { return withSuffix(name(), *this); }

std::string Reference::familiarString() const { return withSuffix(familiarName(), *this); }

Reference Reference::withDefaultTag() const {
    Reference result = *this;
    if (nameOnly()) result.tag = "latest";
    return result;
}

bool isTag(std::string_view text) noexcept {
    const auto word = [](char c) { return isAlnum(c) || c == '_'; };
    return !text.empty() && text.size() <= kMaxTag && word(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) { return word(c) || c == '.' || c == '-'; });
}

bool familiarMatch(std::string_view pattern, const Reference& reference) {
    return globMatch(pattern, reference.familiarString()) || globMatch(pattern, reference.familiarName());
}

}  // namespace davit::oci
