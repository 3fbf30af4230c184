// The image config: the JSON document whose sha256 is the image's id. Parsed for use, its bytes kept apart by the
// store.
//
// Reading takes Docker's and OCI's documents alike (the same members). What isn't known is ignored here and survives in
// the bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace davit::oci {

/// As in Docker's HealthConfig. test empty: inherit; {"NONE"}: off; {"CMD", …} or {"CMD-SHELL", line}.
struct Healthcheck {
    std::vector<std::string> test;
    std::int64_t interval_ns = 0;
    std::int64_t timeout_ns = 0;
    std::int64_t start_period_ns = 0;
    std::int64_t start_interval_ns = 0;
    std::int64_t retries = 0;
    bool operator==(const Healthcheck&) const = default;
};

/// The member "config": what a container gets unless it says otherwise. An optional tells absent (null) from empty.
struct ImageDefaults {
    std::string user;
    std::set<std::string> exposed_ports;  ///< "80/tcp"
    std::vector<std::string> env;
    std::optional<std::vector<std::string>> entrypoint;
    std::optional<std::vector<std::string>> cmd;
    bool args_escaped = false;
    std::set<std::string> volumes;
    std::string working_dir;
    std::map<std::string, std::string> labels;
    std::string stop_signal;
    std::optional<Healthcheck> healthcheck;
    std::vector<std::string> shell;
    std::vector<std::string> on_build;
};

struct HistoryEntry {
    std::optional<SystemTime> created;
    std::string created_by;
    std::string author;
    std::string comment;
    bool empty_layer = false;
};

struct ImageConfig {
    std::string architecture;
    std::string variant;
    std::string os;
    std::string os_version;
    std::optional<SystemTime> created;
    std::string author;
    std::string comment;
    std::string docker_version;
    std::string parent;  ///< only in documents of old builders
    ImageDefaults config;
    std::vector<std::string> diff_ids;  ///< validated digests, lowest layer first
    std::vector<HistoryEntry> history;
};

inline constexpr std::size_t kMaxConfigBytes = 16U << 20;
inline constexpr std::size_t kMaxManifestBytes = 4U << 20;
inline constexpr std::size_t kMaxLayers = 125;

/// Reads a config document. Throws Error{invalid} for what isn't one: no rootfs, a type other than "layers", a diff id
/// that is no digest, more than kMaxLayers layers, more layers in the history than diff ids.
[[nodiscard]] ImageConfig parseImageConfig(std::string_view json);

/// The member "config" alone, from Docker's JSON; what `POST /commit` and changes of `import` work on.
[[nodiscard]] ImageDefaults parseImageDefaults(const json::Value& config);

/// Writes the members of ImageDefaults as Docker orders and spells them, without braces.
void writeImageDefaults(json::Writer& out, const ImageDefaults& defaults);

/// A whole config document in Docker's member order. Deterministic: equal input, equal bytes.
[[nodiscard]] std::string imageConfigJson(const ImageConfig& config);

}  // namespace davit::oci
