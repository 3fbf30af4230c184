#include "oci/reference.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using oci::Reference;

namespace {
const std::string kDigest = "sha256:" + std::string(64, 'a');

void refused(const std::string& text, const std::string& why) {
    BOOST_TEST_CONTEXT(text) {
        BOOST_CHECK_EXCEPTION((void)Reference::parse(text), Error, [&](const Error& e) {
            BOOST_TEST(e.text() == why);
            return e.code() == Code::invalid;
        });
    }
}
}  // namespace

BOOST_AUTO_TEST_SUITE(reference)

BOOST_AUTO_TEST_CASE(names_are_normalised_and_shown_familiar) {
    const std::vector<std::array<std::string, 3>> cases = {
        {"busybox", "docker.io/library/busybox", "busybox"},
        {"busybox:1.35", "docker.io/library/busybox:1.35", "busybox:1.35"},
        {"library/busybox", "docker.io/library/busybox", "busybox"},
        {"docker.io/busybox", "docker.io/library/busybox", "busybox"},
        {"index.docker.io/library/busybox", "docker.io/library/busybox", "busybox"},
        {"me/app", "docker.io/me/app", "me/app"},
        {"library/a/b", "docker.io/library/a/b", "library/a/b"},
        {"localhost/a", "localhost/a", "localhost/a"},
        {"localhost:5000/a/b:t", "localhost:5000/a/b:t", "localhost:5000/a/b:t"},
        {"[::1]:5000/a", "[::1]:5000/a", "[::1]:5000/a"},
        {"Host/a", "Host/a", "Host/a"},
        {"a.b/c@" + kDigest, "a.b/c@" + kDigest, "a.b/c@" + kDigest},
        {"x:1@" + kDigest, "docker.io/library/x:1@" + kDigest, "x:1@" + kDigest},
        {"a__b--cd/e.f", "docker.io/a__b--cd/e.f", "a__b--cd/e.f"}};
    for (const auto& [text, normal, familiar] : cases) {
        const Reference reference = Reference::parse(text);
        BOOST_TEST(reference.string() == normal);
        BOOST_TEST(reference.familiarString() == familiar);
        BOOST_TEST((Reference::parse(reference.string()) == reference));
    }
}

BOOST_AUTO_TEST_CASE(a_host_needs_a_dot_a_colon_or_to_be_localhost) {
    BOOST_TEST(Reference::parse("a.b/c").domain == "a.b");
    BOOST_TEST(Reference::parse("ab/c").domain == "docker.io");
    BOOST_TEST(Reference::parse("ab:80/c").domain == "ab:80");
}

BOOST_AUTO_TEST_CASE(bad_names_get_dockers_texts) {
    for (const char* text : {"", ":x", "a:", "a b", "../../etc:x", "a//b", "a/", "/a", "-a", "a-", "a..b", "a___b",
                             "a@", "a@sha256:abc", "a:.x", "a:b:c", "a.b:/c", "a_b.c/d", "[::1/a"})
        refused(text, "invalid reference format");
    refused("Foo", "invalid reference format: repository name (library/Foo) must be lowercase");
    refused("a/Foo:x", "invalid reference format: repository name (a/Foo) must be lowercase");
    refused(std::string(64, 'a'),
            "invalid repository name (" + std::string(64, 'a') + "), cannot specify 64-byte hexadecimal strings");
    refused("a/" + std::string(254, 'b'), "repository name must not be longer than 255 characters");
    refused("a@md5:" + std::string(32, 'a'), "unsupported digest algorithm");
    refused("a@sha256:" + std::string(32, 'a'), "invalid checksum digest length");
    refused("a:" + std::string(129, 'b'), "invalid reference format");
}

BOOST_AUTO_TEST_CASE(the_default_tag_is_given_only_where_nothing_stands) {
    BOOST_TEST(Reference::parse("a").withDefaultTag().tag == "latest");
    BOOST_TEST(Reference::parse("a:b").withDefaultTag().tag == "b");
    BOOST_TEST(Reference::parse("a@" + kDigest).withDefaultTag().tag.empty());
}

BOOST_AUTO_TEST_CASE(filters_match_the_familiar_form) {
    const Reference reference = Reference::parse("docker.io/library/busybox:1.35");
    BOOST_TEST(oci::familiarMatch("busybox", reference));
    BOOST_TEST(oci::familiarMatch("busy*", reference));
    BOOST_TEST(oci::familiarMatch("*:1.*", reference));
    BOOST_TEST(!oci::familiarMatch("library/busybox", reference));
}

BOOST_AUTO_TEST_SUITE_END()
