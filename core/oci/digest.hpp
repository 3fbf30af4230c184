// Digests: "sha256:<64 hex>" and "sha512:<128 hex>", the names of content.
//
// A digest is kept as its text; only parseDigest() and the functions that compute one make such texts, so what passed
// them is safe as part of a file name. Chain ids name a stack of layers.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_stream.hpp"

namespace davit::oci {

/// Validates "algorithm:hex" and returns it. Throws Error{invalid}: "invalid checksum digest format", "unsupported
/// digest algorithm" or "invalid checksum digest length", the texts of Docker.
std::string parseDigest(std::string_view text);

/// Whether parseDigest() would accept it.
[[nodiscard]] bool isDigest(std::string_view text) noexcept;

/// "sha256" of "sha256:abc…".
[[nodiscard]] std::string_view digestAlgorithm(std::string_view digest) noexcept;
/// "abc…" of "sha256:abc…"; a text without colon is returned whole.
[[nodiscard]] std::string_view digestHex(std::string_view digest) noexcept;

/// Computes a digest piece by piece. One thread.
class Digester {
  public:
    /// Throws Error{invalid} "unsupported digest algorithm".
    explicit Digester(std::string_view algorithm = "sha256");
    Digester(Digester&&) noexcept;
    Digester& operator=(Digester&&) noexcept;
    ~Digester();
    void update(std::span<const std::byte> data);
    void update(std::string_view data);
    /// The digest of all so far; afterwards the digester is used up.
    [[nodiscard]] std::string finish();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// "sha256:…" of `data`.
[[nodiscard]] std::string sha256(std::string_view data);

/// The chain id of the stack that `diff_id` makes above `parent_chain` (empty: it is the lowest).
[[nodiscard]] std::string chainId(std::string_view parent_chain, std::string_view diff_id);

/// The chain id of each prefix of `diff_ids`, lowest first.
[[nodiscard]] std::vector<std::string> chainIds(const std::vector<std::string>& diff_ids);

}  // namespace davit::oci
