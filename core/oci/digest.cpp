#include "oci/digest.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/id.hpp"

namespace davit::oci {
namespace {

/// 0: not one of ours.
std::size_t hexLength(std::string_view algorithm) noexcept {
    if (algorithm == "sha256") return 64;
    if (algorithm == "sha512") return 128;
    return 0;
}

bool isLowerHex(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool isAlgorithmName(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '.' || c == '_' || c == '-';
    });
}

}  // namespace

std::string parseDigest(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || !isAlgorithmName(text.substr(0, colon)) || colon + 1 == text.size())
        throw Error(Code::invalid, "invalid checksum digest format");
    const std::size_t length = hexLength(text.substr(0, colon));
    if (length == 0) throw Error(Code::invalid, "unsupported digest algorithm");
    const std::string_view hex = text.substr(colon + 1);
    if (hex.size() != length) throw Error(Code::invalid, "invalid checksum digest length");
    if (!isLowerHex(hex)) throw Error(Code::invalid, "invalid checksum digest format");
    return std::string(text);
}

bool isDigest(std::string_view text) noexcept {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return false;
    const std::size_t length = hexLength(text.substr(0, colon));
    return length != 0 && text.size() == colon + 1 + length && isLowerHex(text.substr(colon + 1));
}

std::string_view digestAlgorithm(std::string_view digest) noexcept { return digest.substr(0, digest.find(':')); }

std::string_view digestHex(std::string_view digest) noexcept {
    const std::size_t colon = digest.find(':');
    return colon == std::string_view::npos ? digest : digest.substr(colon + 1);
}

struct Digester::Impl {
    std::string algorithm;
    std::unique_ptr<EVP_MD_CTX, decltype(&::EVP_MD_CTX_free)> context{::EVP_MD_CTX_new(), ::EVP_MD_CTX_free};
};

Digester::Digester(std::string_view algorithm) : impl_(std::make_unique<Impl>()) {
    if (hexLength(algorithm) == 0) throw Error(Code::invalid, "unsupported digest algorithm");
    impl_->algorithm = algorithm;
    const EVP_MD* method = algorithm == "sha256" ? ::EVP_sha256() : ::EVP_sha512();
    if (impl_->context == nullptr || ::EVP_DigestInit_ex(impl_->context.get(), method, nullptr) != 1)
        throw error(Code::system, "start a {} digest", algorithm);
}

Digester::Digester(Digester&&) noexcept = default;
Digester& Digester::operator=(Digester&&) noexcept = default;
Digester::~Digester() = default;

void Digester::update(std::span<const std::byte> data) {
    if (::EVP_DigestUpdate(impl_->context.get(), data.data(), data.size()) != 1)
        throw Error(Code::system, "compute a digest");
}

void Digester::update(std::string_view data) { update(std::as_bytes(std::span(data.data(), data.size()))); }

std::string Digester::finish() {
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (::EVP_DigestFinal_ex(impl_->context.get(), sum, &size) != 1) throw Error(Code::system, "compute a digest");
    return impl_->algorithm + ":" + toHex(std::string_view(reinterpret_cast<const char*>(sum), size));
}

std::string sha256(std::string_view data) {
    Digester digester;
    digester.update(data);
    return digester.finish();
}

std::string chainId(std::string_view parent_chain, std::string_view diff_id) {
    if (parent_chain.empty()) return std::string(diff_id);
    return sha256(fmt::format("{} {}", parent_chain, diff_id));
}

std::vector<std::string> chainIds(const std::vector<std::string>& diff_ids) {
    std::vector<std::string> chains;
    chains.reserve(diff_ids.size());
    for (const std::string& diff_id : diff_ids) chains.push_back(chainId(chains.empty() ? "" : chains.back(), diff_id));
    return chains;
}

}  // namespace davit::oci
