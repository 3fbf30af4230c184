#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "base/check.hpp"
#include "linux/mount_options.hpp"
#include "runtime/plan_compiler.hpp"

namespace davit::runtime {
namespace {

using linux::MountOptions;

constexpr std::size_t kOptionPage = 4095;  // mount(2) takes one page with its NUL

std::string join(const std::vector<std::string>& words, char separator) {
    std::string text;
    for (const std::string& word : words) {
        if (!text.empty()) text += separator;
        text += word;
    }
    return text;
}

/// Overlay's lowerdirs: separated by colons, a backslash takes the next character as it is.
std::vector<std::string> splitLayers(std::string_view text) {
    std::vector<std::string> layers(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) layers.back() += text[++i];
        else if (text[i] == ':') layers.emplace_back();
        else layers.back() += text[i];
    }
    return layers;
}

/// The directory that all layers lie below; empty when that is the root.
std::string commonDirectory(const std::vector<std::string>& layers) {
    std::string common = layers.front();
    do {
        const std::size_t slash = common.rfind('/');
        common.resize(slash == std::string::npos ? 0 : slash);
    } while (!common.empty() && !std::all_of(layers.begin(), layers.end(), [&](const std::string& layer) {
        return layer.starts_with(common + "/");
    }));
    return common;
}

std::string joinLayers(const std::vector<std::string>& layers) {
    std::string text;
    for (const std::string& layer : layers) {
        if (!text.empty()) text += ':';
        for (const char c : layer) text.append(c == ':' || c == '\\' ? 1 : 0, '\\') += c;
    }
    return text;
}

/// The options of a root mount. When they are more than a page, overlay's layers are named from the directory that they lie in,
/// which makes room for hundreds on every kernel; beyond that they are given one by one, which only newer ones can.
void compileRootOptions(PlanBuilder& builder, const MountOptions& options, plan::Mount& mount) {
    if (options.data.size() <= kOptionPage) {
        mount.data = builder.text(options.data);
        return;
    }
    std::vector<std::string> rest;
    std::vector<std::string> layers;
    std::string_view text = options.data;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        const std::string_view word = text.substr(0, comma);
        if (word.starts_with("lowerdir=")) layers = splitLayers(word.substr(9));
        else rest.emplace_back(word);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    if (layers.empty()) throw error(Code::invalid, "the root's mount options are longer than a page");
    const std::string directory = commonDirectory(layers);
    mount.directory = builder.text(directory);
    if (!directory.empty())
        for (std::string& layer : layers) layer.erase(0, directory.size() + 1);
    const std::string others = join(rest, ',');
    const std::string all = "lowerdir=" + joinLayers(layers) + (others.empty() ? "" : ",") + others;
    const bool fits = all.size() <= kOptionPage;
    mount.data = builder.text(fits ? all : others);
    if (!fits) mount.lowers = builder.texts(layers);
}

plan::Mount compileBind(PlanBuilder& builder, const std::string& source, const MountOptions& options) {
    plan::Mount mount;
    mount.kind = plan::MountKind::bind;
    mount.source = builder.text(source);
    if (options.recursive_bind) mount.flags |= plan::mount_recursive;
    mount.propagation = options.propagation;
    mount.set_attributes = linux::mountAttributes(options.set);
    mount.clear_attributes = linux::mountAttributes(options.clear);
    mount.recursive_set = options.recursive_set;
    mount.recursive_clear = options.recursive_clear;
    if (options.recursive_set & MOUNT_ATTR_RDONLY) mount.flags |= plan::mount_force_recursive;
    return mount;
}

plan::List compileRoot(PlanBuilder& builder, const std::vector<MountSpec>& mounts) {
    std::vector<plan::Mount> compiled;
    for (const MountSpec& spec : mounts) {
        const MountOptions options = linux::parseMountOptions(spec.options);
        plan::Mount mount;
        if (spec.type == "bind" || options.bind) {
            mount = compileBind(builder, spec.source, options);
            mount.flags |= plan::mount_recursive;
            if (mount.propagation == 0) mount.propagation = MS_PRIVATE | MS_REC;
        } else {
            mount.source = builder.text(spec.source.empty() ? spec.type : spec.source);
            mount.type = builder.text(spec.type);
            mount.mount_flags = options.set;
            compileRootOptions(builder, options, mount);
        }
        compiled.push_back(mount);
    }
    return builder.list(compiled);
}

/// Where the launcher puts file systems whose mount point an image may have made a link (SEC-07).
bool isSystemDirectory(const std::string& path) { return path == "/proc" || path == "/sys" || path == "/dev"; }

plan::Mount compileFileSystem(PlanBuilder& builder, const oci::Mount& spec, const MountOptions& options) {
    plan::Mount mount;
    mount.source = builder.text(spec.source.empty() ? spec.type : spec.source);
    mount.type = builder.text(spec.type);
    mount.data = builder.text(options.data);
    mount.mount_flags = options.set;
    mount.propagation = options.propagation;
    if (isSystemDirectory(spec.destination)) mount.flags |= plan::mount_replace_link;
    if (spec.type == "tmpfs" && options.data.find("mode=") == std::string::npos) mount.flags |= plan::mount_keep_mode;
    return mount;
}

/// The mounts of one container, compiled in order.
class Compiler {
  public:
    Compiler(PlanBuilder& builder, const LaunchInput& input, const linux::CgroupLayout& layout, bool cgroup_namespace)
        : builder_(builder), input_(input), layout_(layout), cgroup_namespace_(cgroup_namespace) {}

    void add(const oci::Mount& spec) {
        MountOptions options = linux::parseMountOptions(spec.options);
        if (spec.type == "cgroup" || spec.type == "cgroup2") {
            if (layout_.unified) addUnified(spec, options);
            else addHierarchies(spec, options);
        } else if (spec.type == "bind" || options.bind) {
            if (spec.type == "bind" && !options.bind) options.recursive_bind = true;
            push(compileBind(builder_, spec.source, options), spec.destination);
        } else {
            push(compileFileSystem(builder_, spec, options), spec.destination);
        }
    }

    [[nodiscard]] plan::List list() { return builder_.list(mounts_); }

  private:
    void push(plan::Mount mount, const std::string& target) {
        mount.target = builder_.text(target);
        mounts_.push_back(mount);
    }

    void addUnified(const oci::Mount& spec, const MountOptions& options) {
        plan::Mount mount;
        if (cgroup_namespace_) {
            mount.source = mount.type = builder_.text("cgroup2");
            mount.mount_flags = options.set & ~std::uint64_t{MS_STRICTATIME};
        } else {
            MountOptions bind = options;
            bind.recursive_bind = true;
            bind.propagation = MS_PRIVATE | MS_REC;
            mount = compileBind(builder_, layout_.hierarchies.front().mount_point, bind);
        }
        mount.flags |= plan::mount_after_cgroup;
        push(mount, spec.destination);
    }

    /// v1: a tmpfs with one directory per hierarchy, each showing the container's own group.
    void addHierarchies(const oci::Mount& spec, const MountOptions& options) {
        if (layout_.hierarchies.empty()) return;
        plan::Mount base;
        base.source = base.type = builder_.text("tmpfs");
        base.data = builder_.text("mode=755");
        base.mount_flags = (options.set & ~std::uint64_t{MS_RDONLY}) | MS_NOSUID | MS_NODEV | MS_NOEXEC;
        base.flags = plan::mount_after_cgroup;
        push(base, spec.destination);
        for (const linux::CgroupHierarchy& hierarchy : layout_.hierarchies) addHierarchy(spec, options, hierarchy);
        if ((options.set & MS_RDONLY) == 0) return;
        plan::Mount seal;
        seal.kind = plan::MountKind::attributes;
        seal.set_attributes = MOUNT_ATTR_RDONLY;
        push(seal, spec.destination);
    }

    void addHierarchy(const oci::Mount& spec, const MountOptions& options, const linux::CgroupHierarchy& hierarchy) {
        plan::Mount mount;
        if (cgroup_namespace_) {
            mount.source = mount.type = builder_.text("cgroup");
            mount.data = builder_.text(join(hierarchy.controllers, ','));
            mount.mount_flags = options.set;
        } else {
            const std::string path = input_.spec->os.cgroups_path.empty() ? "/davit/" + input_.id : input_.spec->os.cgroups_path;
            mount = compileBind(builder_, cgroupDirectory(hierarchy, path), options);
            mount.propagation = MS_PRIVATE | MS_REC;
        }
        // Mounted together ("cpu,cpuacct") they are found under each name.
        const std::string name = hierarchy.mount_point.substr(hierarchy.mount_point.rfind('/') + 1);
        push(mount, spec.destination + "/" + name);
        if (hierarchy.controllers.size() > 1)
            for (const std::string& controller : hierarchy.controllers)
                if (controller != name) push(mount, spec.destination + "/" + controller);
    }

    PlanBuilder& builder_;
    const LaunchInput& input_;
    const linux::CgroupLayout& layout_;
    bool cgroup_namespace_;
    std::vector<plan::Mount> mounts_;
};

struct ProvidedNode {
    const char* path;
    unsigned major;
    unsigned minor;
};
constexpr std::array kProvidedNodes{ProvidedNode{"/dev/null", 1, 3},    ProvidedNode{"/dev/zero", 1, 5},
                                    ProvidedNode{"/dev/full", 1, 7},    ProvidedNode{"/dev/random", 1, 8},
                                    ProvidedNode{"/dev/urandom", 1, 9}, ProvidedNode{"/dev/tty", 5, 0}};

constexpr std::array kLinks{
    std::pair{"/dev/fd", "/proc/self/fd"},         std::pair{"/dev/stdin", "/proc/self/fd/0"},
    std::pair{"/dev/stdout", "/proc/self/fd/1"},   std::pair{"/dev/stderr", "/proc/self/fd/2"},
    std::pair{"/dev/core", "/proc/kcore"},         std::pair{"/dev/ptmx", "pts/ptmx"},
};

std::uint32_t typeBits(const oci::Device& device) {
    if (device.type == "b") return S_IFBLK;
    if (device.type == "p") return S_IFIFO;
    if (device.type == "c" || device.type == "u") return S_IFCHR;
    throw error(Code::invalid, "invalid type of the device {}: {}", device.path, device.type);
}

/// A bound /dev brings its own devices.
bool needsDevices(const oci::RuntimeSpec& spec) {
    return std::none_of(spec.mounts.begin(), spec.mounts.end(), [](const oci::Mount& mount) {
        return mount.destination == "/dev" && (mount.type == "bind" || linux::parseMountOptions(mount.options).bind);
    });
}

void compileDevices(PlanBuilder& builder, const oci::RuntimeSpec& spec, plan::Launch& launch) {
    std::vector<plan::Node> nodes;
    std::vector<plan::Pair> links;
    if (needsDevices(spec)) {
        for (const ProvidedNode& node : kProvidedNodes)
            nodes.push_back({builder.text(node.path), S_IFCHR | 0666U, 0, 0, node.major, node.minor, 0});
        for (const auto& [path, target] : kLinks) links.push_back({builder.text(path), builder.text(target)});
    }
    for (const oci::Device& device : spec.os.devices) {
        const auto provided = [&](const ProvidedNode& node) { return device.path == node.path; };
        if (!nodes.empty() && std::any_of(kProvidedNodes.begin(), kProvidedNodes.end(), provided)) continue;
        nodes.push_back({builder.text(device.path), typeBits(device) | device.file_mode.value_or(0666), device.uid.value_or(0),
                         device.gid.value_or(0), static_cast<std::uint32_t>(device.major),
                         static_cast<std::uint32_t>(device.minor), 0});
    }
    launch.nodes = builder.list(nodes);
    launch.links = builder.list(links);
}

/// "net.ipv4.ip_forward" to the file below /proc; a slash in a name stands for a dot in a file's name.
std::string sysctlPath(std::string_view name) {
    std::string path = "proc/sys/";
    for (const char letter : name) path += letter == '.' ? '/' : letter == '/' ? '.' : letter;
    if (path.find("..") != std::string::npos) throw error(Code::invalid, "invalid sysctl: {}", name);
    return path;
}

}  // namespace

void compileMounts(PlanBuilder& builder, const LaunchInput& input, const linux::CgroupLayout& layout,
                   plan::Launch& launch) {
    const oci::RuntimeSpec& spec = *input.spec;
    if (input.root_mounts != nullptr) launch.root_mounts = compileRoot(builder, *input.root_mounts);
    const std::string root = launch.root_mounts.count != 0 ? (input.run_dir / "rootfs").string() : spec.root.path;
    launch.root = builder.text(root);
    launch.root_readonly = spec.root.readonly;
    launch.root_propagation = static_cast<std::uint32_t>(linux::parsePropagation(spec.os.rootfs_propagation));
    Compiler compiler(builder, input, layout, launch.new_cgroup_namespace != 0);
    for (const oci::Mount& mount : spec.mounts) compiler.add(mount);
    launch.mounts = compiler.list();
    compileDevices(builder, spec, launch);
    launch.masked = builder.texts(spec.os.masked_paths);
    launch.readonly = builder.texts(spec.os.readonly_paths);
    std::vector<plan::Pair> sysctls;
    for (const auto& [name, value] : spec.os.sysctl) sysctls.push_back({builder.text(sysctlPath(name)), builder.text(value)});
    launch.sysctls = builder.list(sysctls);
}

}  // namespace davit::runtime
