// How fast a link may send: a token bucket in front of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace davit::linux {

/// The slowest and the fastest rate that can be set, in bytes per second.
constexpr std::uint64_t kSlowestRate = 1000;
constexpr std::uint64_t kFastestRate = 2'000'000'000;

/// "10mbit", "1.5gbit", "256kbps", "8000": a number with one of tc(8)'s units, in either case: bit, kbit, mbit, gbit in bits per
/// second, bps, kbps, mbps, gbps in bytes; without a unit it is bits. Bytes per second, std::nullopt for no limit ("", "0").
/// Throws Error{invalid} naming the option.
[[nodiscard]] std::optional<std::uint64_t> readRate(const std::string& option, const std::string& value);

/// Of the link of that name in the network namespace of the calling thread; takes the place of any other limit. std::nullopt lifts
/// it, and is no error where there is none. Throws Error{system}.
void limitRate(const std::string& link, std::optional<std::uint64_t> bytes_per_second);

}  // namespace davit::linux
