// The values of single `run` flags: parsed and checked as Docker's CLI does. Every function throws Error{invalid} with
// Docker's text.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

struct DeviceRate {
    std::string path;
    std::uint64_t rate = 0;  ///< bytes or operations per second, or a weight
};
[[nodiscard]] DeviceRate parseWeightDevice(const std::string& text);
[[nodiscard]] DeviceRate parseBytesRate(const std::string& text);
[[nodiscard]] DeviceRate parseOperationsRate(const std::string& text);

struct Ulimit {
    std::int64_t soft = 0;
    std::int64_t hard = 0;
};
[[nodiscard]] std::pair<std::string, Ulimit> parseUlimit(const std::string& text);

struct RestartPolicy {
    std::string name;
    std::int64_t retries = 0;
};
/// "on-failure:3"
[[nodiscard]] RestartPolicy parseRestartPolicy(const std::string& text);

struct MountRequest {
    std::string type = "volume";
    std::string source;
    std::string target;
    bool read_only = false;
    std::string consistency;
    std::string propagation;
    bool non_recursive = false;
    bool read_only_non_recursive = false;
    bool read_only_force_recursive = false;
    bool no_copy = false;
    std::string volume_subpath;
    std::string volume_driver;
    std::map<std::string, std::string> volume_labels;
    std::map<std::string, std::string> volume_options;
    std::string image_subpath;
    std::int64_t tmpfs_size = 0;
    std::uint64_t tmpfs_mode = 0;
    bool has_bind_options = false;
    bool has_volume_options = false;
    bool has_image_options = false;
    bool has_tmpfs_options = false;
};
[[nodiscard]] MountRequest parseMount(const std::string& text);

struct NetworkRequest {
    std::string name;
    std::vector<std::string> aliases;
    std::map<std::string, std::string> driver_options;
    std::string ip;
    std::string ip6;
    std::string mac_address;
    std::vector<std::string> link_local_ips;
    std::vector<std::string> links;
    std::int64_t gateway_priority = 0;
};
[[nodiscard]] NetworkRequest parseNetwork(const std::string& text);

struct GpuRequest {
    std::string driver;
    std::int64_t count = 0;
    std::vector<std::string> device_ids;
    std::vector<std::string> capabilities;
    std::map<std::string, std::string> options;
};
[[nodiscard]] GpuRequest parseGpus(const std::string& text);

struct DeviceRequest {
    std::string host_path;
    std::string container_path;
    std::string permissions = "rwm";
};
[[nodiscard]] DeviceRequest parseDevice(const std::string& text);
/// "vendor.com/class=name": a device of the Container Device Interface.
[[nodiscard]] bool isCdiDevice(std::string_view text);

/// Returns the value in the form that is sent.
[[nodiscard]] std::string checkExtraHost(const std::string& text);
[[nodiscard]] std::string checkIpAddress(const std::string& text);
[[nodiscard]] std::string checkAttach(const std::string& text);
[[nodiscard]] std::string checkEnv(const std::string& text);
[[nodiscard]] std::string checkLabel(const std::string& text);
[[nodiscard]] std::string checkLink(const std::string& text);
[[nodiscard]] std::string checkSysctl(const std::string& text);
[[nodiscard]] std::string checkDeviceRule(const std::string& text);
[[nodiscard]] std::string checkMac(const std::string& text);

/// One line of CSV: commas separate, double quotes protect.
[[nodiscard]] std::vector<std::string> parseCsvLine(std::string_view text);

/// `text` cut at the first `separator`; std::nullopt in second when there is none.
[[nodiscard]] std::pair<std::string, std::optional<std::string>> cut(std::string_view text, char separator);

/// The lines of an env or label file: blank lines and # comments dropped, checked. A line without '=' takes its value
/// from the environment when `from_environment`, and is dropped when there is none.
[[nodiscard]] std::vector<std::string> readKeyValueFile(const std::string& path, bool from_environment);

/// "a=b", "c" → {a: b, c: ""}; later ones win.
[[nodiscard]] std::map<std::string, std::string> toMap(const std::vector<std::string>& pairs);

}  // namespace davit::cli
