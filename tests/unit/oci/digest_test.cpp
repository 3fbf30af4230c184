#include "oci/digest.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::oci;

namespace {
constexpr const char* kEmpty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

void refused(const std::string& text, const std::string& why) {
    BOOST_CHECK_EXCEPTION(parseDigest(text), Error,
                          [&](const Error& e) { return e.code() == Code::invalid && e.text() == why; });
    BOOST_TEST(!isDigest(text));
}
}  // namespace

BOOST_AUTO_TEST_SUITE(digest)

BOOST_AUTO_TEST_CASE(known_sums) {
    BOOST_TEST(sha256("") == kEmpty);
    BOOST_TEST(sha256("abc") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    Digester pieces("sha512");
    pieces.update("a");
    pieces.update("bc");
    BOOST_TEST(pieces.finish() ==
               "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
               "454d4423643ce80e2a9ac94fa54ca49f");
}

BOOST_AUTO_TEST_CASE(hostile_digests_are_refused_with_dockers_texts) {
    refused("sha256", "invalid checksum digest format");
    refused("", "invalid checksum digest format");
    refused("sha256:", "invalid checksum digest format");
    refused("md5:d41d8cd98f00b204e9800998ecf8427e", "unsupported digest algorithm");
    refused("sha256:abc", "invalid checksum digest length");
    refused("sha256:../../../etc/passwd", "invalid checksum digest length");
    refused(std::string(kEmpty).substr(0, 70) + "/", "invalid checksum digest format");
    refused("sha256:E3B0C44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "invalid checksum digest format");
}

BOOST_AUTO_TEST_CASE(parts) {
    BOOST_TEST(parseDigest(kEmpty) == kEmpty);
    BOOST_TEST(digestAlgorithm(kEmpty) == "sha256");
    BOOST_TEST(digestHex(kEmpty) == std::string(kEmpty).substr(7));
    BOOST_TEST(digestHex("plain") == "plain");
}

BOOST_AUTO_TEST_CASE(a_chain_begins_with_its_first_diff_id) {
    const std::string a = sha256("a");
    const std::string b = sha256("b");
    const auto chains = chainIds({a, b, a});
    BOOST_REQUIRE(chains.size() == 3U);
    BOOST_TEST(chains[0] == a);
    BOOST_TEST(chains[1] == sha256(a + " " + b));
    BOOST_TEST(chains[2] == sha256(chains[1] + " " + a));
}

BOOST_AUTO_TEST_SUITE_END()
