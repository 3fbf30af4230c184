#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <sstream>
#include <unordered_set>

#include "base/check.hpp"
#include "runtime/spec_parts.hpp"

namespace davit::runtime {
namespace {

namespace fs = std::filesystem;

// A node of the host's as it will be in the container; std::nullopt for what is no device.
std::optional<oci::Device> deviceOf(const fs::path& on_host, std::string in_container) {
    struct stat info {};
    if (::stat(on_host.c_str(), &info) < 0)
        throw error(Code::invalid, "error gathering device information while adding custom device \"{}\": {}",
                    on_host.string(), errno == ENOENT ? "no such file or directory" : ::strerrordesc_np(errno));
    if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode)) return std::nullopt;
    return oci::Device{.path = std::move(in_container),
                       .type = S_ISCHR(info.st_mode) ? "c" : "b",
                       .major = major(info.st_rdev),
                       .minor = minor(info.st_rdev),
                       .file_mode = info.st_mode & 07777U,
                       .uid = info.st_uid,
                       .gid = info.st_gid};
}

// All device nodes below `directory`, but for the places that a container has of its own.
void collect(const fs::path& directory, const std::string& in_container, std::vector<oci::Device>& devices) {
    static const std::unordered_set<std::string_view> kOwn = {"pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev",
                                                              "console", "ptmx"};
    std::error_code ignored;  // devices come and go while they are listed
    for (const auto& entry : fs::directory_iterator(directory, ignored)) {
        const std::string name = entry.path().filename();
        const std::string target = in_container + "/" + name;
        if (kOwn.contains(name) || entry.is_symlink(ignored)) continue;
        if (entry.is_directory(ignored))
            collect(entry.path(), target, devices);
        else if (entry.is_character_file(ignored) || entry.is_block_file(ignored))
            if (auto device = deviceOf(entry.path(), target)) devices.push_back(std::move(*device));
    }
}

oci::DeviceRule allow(std::string type, std::int64_t major_number, std::int64_t minor_number) {
    return {.allow = true, .type = std::move(type), .major = major_number, .minor = minor_number, .access = "rwm"};
}

// Docker's list; what every runtime adds of itself (terminals, mknod) isn't here.
std::vector<oci::DeviceRule> defaultRules() {
    std::vector<oci::DeviceRule> rules = {{.allow = false, .type = "a", .access = "rwm"}};
    for (const auto& [major_number, minor_number] : {std::pair{1, 5}, {1, 3}, {1, 9}, {1, 8}, {5, 0}, {5, 1}})
        rules.push_back(allow("c", major_number, minor_number));
    rules.push_back({.allow = false, .type = "c", .major = 10, .minor = 229, .access = "rwm"});  // fuse
    return rules;
}

void addCustom(oci::RuntimeSpec& spec, const DeviceMapping& mapping) {
    const std::string target = mapping.path_in_container.empty() ? mapping.path_on_host : mapping.path_in_container;
    std::vector<oci::Device> devices;
    if (auto device = deviceOf(mapping.path_on_host, target)) {
        devices.push_back(std::move(*device));
    } else {
        if (fs::is_directory(mapping.path_on_host)) collect(mapping.path_on_host, target, devices);
        if (devices.empty())
            throw error(Code::invalid, "error gathering device information while adding custom device \"{}\": not a device node",
                        mapping.path_on_host);
    }
    for (oci::Device& device : devices) {
        spec.os.resources.devices.push_back(
            {.allow = true,
             .type = device.type,
             .major = device.major,
             .minor = device.minor,
             .access = mapping.cgroup_permissions.empty() ? "rwm" : mapping.cgroup_permissions});
        spec.os.devices.push_back(std::move(device));
    }
}

// "c 1:* rwm", checked at create.
oci::DeviceRule ruleOf(const std::string& text) {
    std::istringstream fields(text);
    oci::DeviceRule rule{.allow = true};
    std::string numbers;
    fields >> rule.type >> numbers >> rule.access;
    const auto colon = numbers.find(':');
    const auto number = [](const std::string& part) -> std::optional<std::int64_t> {
        if (part == "*") return std::nullopt;
        return std::stoll(part);
    };
    rule.major = number(numbers.substr(0, colon));
    rule.minor = number(numbers.substr(colon + 1));
    return rule;
}

}  // namespace

void buildDevices(oci::RuntimeSpec& spec, const SpecInput& input) {
    const HostConfig& host = *input.host_config;
    if (!host.device_requests.empty()) {
        std::string wanted;
        for (const Strings& set : host.device_requests.front().capabilities) {
            wanted += wanted.empty() ? "[" : " [";
            for (const std::string& name : set) wanted += (wanted.back() == '[' ? "" : " ") + name;
            wanted += "]";
        }
        throw error(Code::invalid, "could not select device driver \"{}\" with capabilities: [{}]",
                    host.device_requests.front().driver, wanted);
    }
    if (host.privileged) {
        collect("/dev", "/dev", spec.os.devices);
        spec.os.resources.devices = {{.allow = true, .type = "a", .access = "rwm"}};
        return;
    }
    spec.os.resources.devices = defaultRules();
    for (const DeviceMapping& mapping : host.devices) addCustom(spec, mapping);
    for (const std::string& text : host.device_cgroup_rules) spec.os.resources.devices.push_back(ruleOf(text));
}

}  // namespace davit::runtime
