#include "cli/run_values.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "base/check.hpp"
#include "base/file.hpp"
#include "cli/units.hpp"

namespace davit::cli {
namespace {

bool isIpAddress(const std::string& text) {
    unsigned char buffer[sizeof(in6_addr)];
    return ::inet_pton(AF_INET, text.c_str(), buffer) == 1 || ::inet_pton(AF_INET6, text.c_str(), buffer) == 1;
}

std::pair<std::string, std::string> deviceAndNumber(const std::string& text) {
    const auto [path, rate] = cut(text, ':');
    if (!rate) throw error(Code::invalid, "bad format: {}", text);
    if (!path.starts_with("/dev/")) throw error(Code::invalid, "bad format for device path: {}", text);
    return {path, *rate};
}

bool isDeviceMode(const std::string& mode) {
    if (mode.empty() || mode.find_first_not_of("rwm") != std::string::npos) return false;
    return std::all_of(mode.begin(), mode.end(), [&](char c) { return std::count(mode.begin(), mode.end(), c) == 1; });
}

std::vector<std::string> splitAt(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::size_t from = 0;
    for (std::size_t at; (at = text.find(separator, from)) != std::string::npos; from = at + 1)
        parts.push_back(text.substr(from, at - from));
    parts.push_back(text.substr(from));
    return parts;
}

std::string lowered(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::int64_t parseGpuCount(const std::string& text) {
    if (text == "all") return -1;
    try {
        return parseInteger(text);
    } catch (const Error&) {
        throw error(Code::invalid, "invalid count ({}): value must be either \"all\" or an integer: invalid syntax",
                    text);
    }
}

}  // namespace

std::pair<std::string, std::optional<std::string>> cut(std::string_view text, char separator) {
    const std::size_t at = text.find(separator);
    if (at == std::string_view::npos) return {std::string(text), std::nullopt};
    return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

std::vector<std::string> parseCsvLine(std::string_view text) {
    std::vector<std::string> fields;
    std::size_t at = 0;
    for (;;) {
        std::string field;
        if (at < text.size() && text[at] == '"') {
            for (++at;; ++at) {
                if (at >= text.size())
                    throw error(Code::invalid,
                                "parse error on line 1, column {}: extraneous or missing \" in quoted-field", at + 1);
                if (text[at] != '"') {
                    field += text[at];
                } else if (at + 1 < text.size() && text[at + 1] == '"') {
                    field += text[++at];
                } else {
                    break;
                }
            }
            ++at;
        } else {
            while (at < text.size() && text[at] != ',') {
                if (text[at] == '"')
                    throw error(Code::invalid, "parse error on line 1, column {}: bare \" in non-quoted-field", at + 1);
                field += text[at++];
            }
        }
        fields.push_back(std::move(field));
        if (at >= text.size()) return fields;
        ++at;
    }
}

DeviceRate parseWeightDevice(const std::string& text) {
    const auto [path, number] = deviceAndNumber(text);
    try {
        const std::uint64_t weight = parseUnsigned(number, 16);
        if (weight == 0 || (weight >= 10 && weight <= 1000)) return {path, weight};
    } catch (const Error&) {  // the same text for all that is no weight
    }
    throw error(Code::invalid, "invalid weight for device: {}", text);
}

DeviceRate parseBytesRate(const std::string& text) {
    const auto [path, number] = deviceAndNumber(text);
    try {
        const std::int64_t rate = parseBytes(number);
        if (rate >= 0) return {path, static_cast<std::uint64_t>(rate)};
    } catch (const Error&) {  // the same text for all that is no rate
    }
    throw error(
        Code::invalid,
        "invalid rate for device: {}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive "
        "integer. Unit is optional and can be kb, mb, or gb",
        text);
}

DeviceRate parseOperationsRate(const std::string& text) {
    const auto [path, number] = deviceAndNumber(text);
    try {
        return {path, parseUnsigned(number)};
    } catch (const Error&) {
        throw error(Code::invalid,
                    "invalid rate for device: {}. The correct format is <device-path>:<number>. Number must be a "
                    "positive integer",
                    text);
    }
}

RestartPolicy parseRestartPolicy(const std::string& text) {
    const auto [name, count] = cut(text, ':');
    RestartPolicy policy{name};
    if (count && name.empty())
        throw Error(Code::invalid, "invalid restart policy format: no policy provided before colon");
    if (count && (count->empty() || count->find_first_not_of("0123456789") != std::string::npos || count->size() > 9))
        throw Error(Code::invalid, "invalid restart policy format: maximum retry count must be an integer");
    if (count) policy.retries = std::stoll(*count);
    return policy;
}

std::pair<std::string, Ulimit> parseUlimit(const std::string& text) {
    constexpr std::string_view kNames[] = {"core",    "cpu",      "data",   "fsize",      "locks",
                                           "memlock", "msgqueue", "nice",   "nofile",     "nproc",
                                           "rss",     "rtprio",   "rttime", "sigpending", "stack"};
    const auto [name, limits] = cut(text, '=');
    if (!limits) throw error(Code::invalid, "invalid ulimit argument: {}", text);
    if (std::find(std::begin(kNames), std::end(kNames), name) == std::end(kNames))
        throw error(Code::invalid, "invalid ulimit type: {}", name);
    const std::vector<std::string> parts = splitAt(*limits, ':');
    if (parts.size() > 2)
        throw error(Code::invalid, "too many limit value arguments - {}, can only have up to two, `soft[:hard]`",
                    *limits);
    const std::int64_t soft = parseInteger(parts[0]);
    const std::int64_t hard = parts.size() == 2 ? parseInteger(parts[1]) : soft;
    if (hard != -1 && (soft == -1 || soft > hard))
        throw error(Code::invalid, "ulimit soft limit must be less than or equal to hard limit: {} > {}", soft, hard);
    return {name, Ulimit{soft, hard}};
}

NetworkRequest parseNetwork(const std::string& text) {
    NetworkRequest network;
    if (text.find('=') == std::string::npos) {
        network.name = text;
        return network;
    }
    for (const std::string& field : parseCsvLine(text)) {
        auto [key, value] = cut(field, '=');
        key = lowered(key);
        if (!value) throw error(Code::invalid, "invalid field {}", field);
        if (key == "name")
            network.name = *value;
        else if (key == "alias")
            network.aliases.push_back(*value);
        else if (key == "ip")
            network.ip = *value;
        else if (key == "ip6")
            network.ip6 = *value;
        else if (key == "mac-address")
            network.mac_address = *value;
        else if (key == "link-local-ip")
            network.link_local_ips.push_back(*value);
        else if (key == "gw-priority")
            network.gateway_priority = parseInteger(*value);
        else if (key == "driver-opt")
            network.driver_options[lowered(cut(*value, '=').first)] = cut(*value, '=').second.value_or("");
        else
            throw error(Code::invalid, "invalid field key {}", key);
    }
    if (network.name.empty()) throw error(Code::invalid, "network name/id is not specified");
    return network;
}

GpuRequest parseGpus(const std::string& text) {
    GpuRequest request;
    bool counted = false;
    for (const std::string& field : parseCsvLine(text)) {
        const auto [key, value] = cut(field, '=');
        if (!value) {
            if (counted) throw error(Code::invalid, "gpu request key '{}' can be specified only once", "count");
            request.count = parseGpuCount(key);
            counted = true;
        } else if (key == "count") {
            request.count = parseGpuCount(*value);
            counted = true;
        } else if (key == "driver") {
            request.driver = *value;
        } else if (key == "device") {
            request.device_ids = splitAt(*value, ',');
        } else if (key == "capabilities") {
            request.capabilities = splitAt(*value, ',');
        } else if (key == "options") {
            request.options = toMap(parseCsvLine(*value));
        } else {
            throw error(Code::invalid, "unexpected key '{}' in '{}'", key, field);
        }
    }
    if (!counted && request.device_ids.empty()) request.count = 1;
    request.capabilities.emplace_back("gpu");
    return request;
}

DeviceRequest parseDevice(const std::string& text) {
    const std::vector<std::string> parts = splitAt(text, ':');
    if (parts.size() > 3) throw error(Code::invalid, "bad format for path: {}", text);
    DeviceRequest device{parts[0], parts[0]};
    if (parts.size() == 2 && isDeviceMode(parts[1]))
        device.permissions = parts[1];
    else if (parts.size() >= 2)
        device.container_path = parts[1];
    if (parts.size() == 3) {
        if (!isDeviceMode(parts[2])) throw error(Code::invalid, "bad mode specified: {}", parts[2]);
        device.permissions = parts[2];
    }
    if (!device.container_path.starts_with('/'))
        throw error(Code::invalid, "{} is not an absolute path", device.container_path);
    return device;
}

bool isCdiDevice(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::size_t equals = text.find('=');
    return slash != std::string_view::npos && slash > 0 && equals != std::string_view::npos && equals > slash + 1 &&
           equals + 1 < text.size();
}

std::string checkExtraHost(const std::string& text) {
    const std::size_t at = text.find_first_of(":=");
    if (at == std::string::npos || at == 0) throw error(Code::invalid, "bad format for add-host: \"{}\"", text);
    std::string address = text.substr(at + 1);
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    if (address != "host-gateway" && !isIpAddress(address))
        throw error(Code::invalid, "invalid IP address in add-host: \"{}\"", address);
    return text.substr(0, at) + ":" + address;
}

std::string checkIpAddress(const std::string& text) {
    if (!isIpAddress(text)) throw error(Code::invalid, "IP address is not correctly formatted: {}", text);
    return text;
}

std::string checkAttach(const std::string& text) {
    const std::string stream = lowered(text);
    if (stream != "stdin" && stream != "stdout" && stream != "stderr")
        throw error(Code::invalid, "valid streams are STDIN, STDOUT and STDERR");
    return stream;
}

std::string checkEnv(const std::string& text) {
    const auto [name, value] = cut(text, '=');
    if (name.empty()) throw error(Code::invalid, "invalid environment variable: {}", text);
    if (value) return text;
    const char* own = std::getenv(name.c_str());
    return own != nullptr ? name + "=" + own : text;
}

std::string checkLabel(const std::string& text) {
    if (text.empty() || text[0] == '=') throw error(Code::invalid, "invalid label '{}': empty name", text);
    return text;
}

std::string checkLink(const std::string& text) {
    const std::vector<std::string> parts = splitAt(text, ':');
    if (text.empty()) throw error(Code::invalid, "empty string specified for links");
    if (parts.size() > 2) throw error(Code::invalid, "bad format for links: {}", text);
    return text;
}

std::string checkSysctl(const std::string& text) {
    constexpr std::string_view kNames[] = {"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
                                           "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
    const auto [name, value] = cut(text, '=');
    const bool known = std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames) ||
                       name.starts_with("net.") || name.starts_with("fs.mqueue.");
    if (!value || !known) throw error(Code::invalid, "sysctl '{}' is not allowed", text);
    return text;
}

std::string checkDeviceRule(const std::string& text) {
    const std::vector<std::string> parts = splitAt(text, ' ');
    const auto number = [](const std::string& part) {
        return part == "*" || (!part.empty() && part.find_first_not_of("0123456789") == std::string::npos);
    };
    if (parts.size() == 3 && (parts[0] == "a" || parts[0] == "b" || parts[0] == "c") && isDeviceMode(parts[2])) {
        const auto [major, minor] = cut(parts[1], ':');
        if (minor && number(major) && number(*minor)) return text;
    }
    throw error(Code::invalid, "invalid device cgroup format '{}'", text);
}

std::string checkMac(const std::string& text) {
    const std::vector<std::string> parts = splitAt(text, text.find('-') != std::string::npos ? '-' : ':');
    const bool valid = (parts.size() == 6 || parts.size() == 8) &&
                       std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
                           return part.size() == 2 && std::isxdigit(static_cast<unsigned char>(part[0])) != 0 &&
                                  std::isxdigit(static_cast<unsigned char>(part[1])) != 0;
                       });
    if (!valid) throw error(Code::invalid, "{} is not a valid mac address", text);
    return text;
}

std::vector<std::string> readKeyValueFile(const std::string& path, bool from_environment) {
    const std::optional<std::string> content = readFile(path, std::size_t{64} << 20);
    if (!content) throw error(Code::not_found, "open {}: no such file or directory", path);
    std::vector<std::string> out;
    std::string_view rest = *content;
    if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
    for (std::string line : splitAt(std::string(rest), '\n')) {
        if (line.ends_with('\r')) line.pop_back();
        line.erase(0, std::min(line.find_first_not_of(" \t\r\v\f"), line.size()));
        if (line.empty() || line[0] == '#') continue;
        const auto [name, value] = cut(line, '=');
        if (name.empty()) throw error(Code::invalid, "no variable name on line '{}'", line);
        if (name.find_first_of(" \t\n\r\v\f") != std::string::npos)
            throw error(Code::invalid, "variable '{}' contains whitespaces", name);
        const char* own = from_environment ? std::getenv(name.c_str()) : nullptr;
        if (value)
            out.push_back(line);
        else if (own != nullptr)
            out.push_back(name + "=" + own);
    }
    return out;
}

std::map<std::string, std::string> toMap(const std::vector<std::string>& pairs) {
    std::map<std::string, std::string> map;
    for (const std::string& pair : pairs) {
        const auto [name, value] = cut(pair, '=');
        map[name] = value.value_or("");
    }
    return map;
}

}  // namespace davit::cli
