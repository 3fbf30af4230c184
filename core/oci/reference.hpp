// Reference: the name of an image as users write it, in Docker's normalised form.
//
//     "busybox"                -> docker.io/library/busybox
//     "me/app:1"               -> docker.io/me/app:1
//     "reg:5000/a/b@sha256:…"  -> as it is
//
// The grammar and the error texts are those of Docker's reference package, because clients match them. A value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::oci {

struct Reference {
    std::string domain;  ///< "docker.io", "localhost:5000"
    std::string path;    ///< "library/busybox"
    std::string tag;     ///< empty: none
    std::string digest;  ///< empty: none

    /// Parses and normalises. Throws Error{invalid}: "invalid reference format", "invalid reference format: repository
    /// name (library/Foo) must be lowercase", "repository name must not be longer than 255 characters", "invalid
    /// repository name
    /// (<64 hex>), cannot specify 64-byte hexadecimal strings", or a digest's text.
    [[nodiscard]] static Reference parse(std::string_view text);

    /// "docker.io/library/busybox"
    [[nodiscard]] std::string name() const { return domain + "/" + path; }
    /// "busybox"
    [[nodiscard]] std::string familiarName() const;
    /// name() with tag and digest.
    [[nodiscard]] std::string string() const;
    /// familiarName() with tag and digest: what Docker prints.
    [[nodiscard]] std::string familiarString() const;
    /// With tag "latest" if it has neither tag nor digest.
    [[nodiscard]] Reference withDefaultTag() const;
    [[nodiscard]] bool nameOnly() const noexcept { return tag.empty() && digest.empty(); }

    bool operator==(const Reference&) const = default;
};

/// Whether `text` is a valid tag: [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}.
[[nodiscard]] bool isTag(std::string_view text) noexcept;

/// `docker images --filter reference=`: whether the familiar name, the familiar string or the name alone matches the
/// shell pattern (*, ?, [a-z]; * stops at a slash). Throws Error{invalid} "syntax error in pattern".
[[nodiscard]] bool familiarMatch(std::string_view pattern, const Reference& reference);

}  // namespace davit::oci
