// The launch plan: everything that the static launcher needs to start a container or a process in one, as one flat block of
// bytes without pointers. davitd and davit-runtime write it (plan_builder.hpp), davit-shim reads it in place.
//
// Layout: Header, then the root struct (Launch or Exec), then lists and texts, referred to by offset from the block's begin.
// Evolution: structs only grow at their end. A reader copies what both sides know and sees zeros for the rest, so a shim of
// an older davit still understands an exec plan of a newer one. Native byte order: both ends run on one host.
//
// No standard library types: the launcher is built without it.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace davit::plan {

inline constexpr uint32_t kMagic = 0x4c505644;  // "DVPL"
inline constexpr uint32_t kVersion = 1;

/// A NUL-terminated text; offset 0 is the empty text.
struct Text {
    uint32_t offset = 0;
};

/// `count` elements of `stride` bytes.
struct List {
    uint32_t offset = 0;
    uint32_t count = 0;
    uint32_t stride = 0;
};

struct Header {
    uint32_t magic = kMagic;
    uint32_t version = kVersion;
    uint32_t size = 0;       ///< of the whole block
    uint32_t root_size = 0;  ///< of the root struct, which begins right after the header
};

struct Namespace {
    uint64_t flag = 0;  ///< CLONE_NEW*
    Text path;          ///< empty: a new one
};

struct CgroupDirectory {
    Text path;
    Text mount_point;  ///< missing parents are made below it
};

struct CgroupWrite {
    Text path;
    Text value;
    uint32_t optional = 0;  ///< a failure is no error
};

enum class MountKind : uint32_t {
    file_system = 0,  ///< mount(2) of `type`
    bind = 1,         ///< a clone of `source`
    attributes = 2,   ///< only changes attributes of what is mounted at the target
};

enum MountFlag : uint32_t {
    mount_optional = 1,         ///< a failure leaves the mount out
    mount_after_cgroup = 2,     ///< made when the container's control groups exist
    mount_on_file = 4,          ///< the target is a file when it has to be made
    mount_replace_link = 8,     ///< a symbolic link on the way to the target is replaced by a directory (/proc, /sys, /dev)
    mount_keep_mode = 16,       ///< the new tmpfs gets the mode of the directory below
    mount_recursive = 32,       ///< bind with all mounts below
    mount_force_recursive = 64  ///< recursive attributes must succeed
};

struct Mount {
    MountKind kind = MountKind::file_system;
    uint32_t flags = 0;  ///< MountFlag
    Text target;         ///< in the container
    Text source;
    Text type;
    Text data;
    uint64_t mount_flags = 0;      ///< MS_*
    uint64_t propagation = 0;      ///< MS_*, 0: left alone
    uint64_t set_attributes = 0;   ///< MOUNT_ATTR_*; file_system: ignored
    uint64_t clear_attributes = 0;
    uint64_t recursive_set = 0;
    uint64_t recursive_clear = 0;
    Text directory;  ///< root mounts only: the options' relative paths start here
    List lowers;     ///< root mounts only: Text; overlay's lowerdirs when they don't fit into `data`
};

struct Node {
    Text path;
    uint32_t mode = 0;  ///< with the type bits
    uint32_t uid = 0;
    uint32_t gid = 0;
    uint32_t major = 0;
    uint32_t minor = 0;
    uint32_t optional = 0;
};

struct Pair {
    Text name;
    Text value;
};

struct Rlimit {
    uint32_t resource = 0;
    uint32_t reserved = 0;
    uint64_t soft = 0;
    uint64_t hard = 0;
};

enum CapabilitySet { cap_bounding, cap_effective, cap_inheritable, cap_permitted, cap_ambient, cap_sets };

struct Process {
    List args;  ///< Text
    List env;   ///< Text
    Text cwd;
    Text user;  ///< "name[:group]"; empty: uid and gid
    uint32_t uid = 0;
    uint32_t gid = 0;
    List gids;         ///< uint32_t
    List group_names;  ///< Text
    uint32_t umask = 022;
    uint32_t set_umask = 0;
    uint64_t capabilities[cap_sets] = {};
    uint32_t set_capabilities = 0;
    uint32_t no_new_privileges = 0;
    List rlimits;
    int32_t oom_score_adj = 0;
    uint32_t set_oom_score_adj = 0;
    List seccomp;  ///< struct sock_filter
    uint32_t seccomp_flags = 0;
    uint32_t terminal = 0;
    uint32_t rows = 0;
    uint32_t columns = 0;
    Text apparmor;
};

/// One client attached before the start. Its descriptor is the next one inherited.
struct Client {
    uint32_t streams = 0;  ///< bit 0 stdin, 1 stdout, 2 stderr
    uint32_t framed = 0;
    Text detach_keys;      ///< raw bytes; none of them is NUL
    List early;            ///< bytes
};

struct LogFile {
    Text path;  ///< empty: none
    int64_t max_size = -1;
    uint32_t max_files = 1;
    Text attributes;  ///< a JSON object or empty
};

/// A program of the runtime specification's hooks (launcher/hooks.hpp).
struct Hook {
    Text path;
    List args;  ///< Text; empty: the path
    List env;   ///< Text
    uint32_t timeout_s = 0;  ///< 0: none
};

/// What the shim does besides launching.
enum class Mode : uint32_t {
    shim = 0,    ///< stays as the container's monitor
    launch = 1,  ///< inherited stdio; leaves when the process waits for its start (OCI create)
    join = 2,    ///< inherited stdio; starts a process inside join_pid's namespaces and leaves (OCI exec)
};

struct Launch {
    Mode mode = Mode::shim;
    uint32_t open_stdin = 0;
    uint32_t stdin_once = 0;
    uint32_t root_readonly = 0;
    Text id;
    Text run_dir;
    Text hostname;
    Text domainname;
    uint64_t new_namespaces = 0;  ///< CLONE_NEW* of clone3 (without CLONE_NEWCGROUP)
    uint32_t new_cgroup_namespace = 0;
    uint32_t loopback_up = 0;
    List namespaces;  ///< Namespace with a path
    Text uid_map;
    Text gid_map;
    List cgroup_directories;  ///< CgroupDirectory; the first one is the one to look for oom facts in (memory)
    List cgroup_writes;
    List device_filter;   ///< struct bpf_insn, cgroup v2
    Text device_cgroup;   ///< directory to attach it to
    Text oom_file;        ///< memory.oom_control or memory.events
    Text freeze_file;     ///< freezer.state or cgroup.freeze
    uint32_t freeze_v2 = 0;
    uint32_t root_propagation = 0;
    Text root;          ///< directory that is the root, or becomes it by root_mounts
    List root_mounts;   ///< Mount
    List mounts;        ///< Mount
    List nodes;         ///< Node
    List links;         ///< Pair: path, target
    List masked;        ///< Text
    List readonly;      ///< Text
    List sysctls;       ///< Pair
    Process process;
    LogFile log;
    List clients;  ///< Client
    Text start_fifo;  ///< Mode::launch: the process waits for a writer of it
    Text console_socket;  ///< Mode::launch and join with a terminal: where the master goes
    Text external_runtime;  ///< path of runc or crun: it launches from the bundle run_dir
    uint32_t join_pid = 0;  ///< Mode::join: new_namespaces are those of this process that differ from ours
    // External runtime: config.json is head, the user's ids as members, tail. `mounts` are only what must be at hand on the
    // host's side (targets are host paths).
    Text config_head;
    Text config_tail;
    List runtime_args;  ///< Text: the runtime's own options, before all others
    List create_hooks;  ///< Hook: createContainer
    List start_hooks;   ///< Hook: startContainer, with Mode::launch only
    Text hook_state;    ///< what they read, without its end
};

struct Exec {
    Text exec_id;
    uint32_t open_stdin = 0;
    uint32_t has_client = 0;
    Process process;
    Client client;
    Text process_head;  ///< external runtime: the process as JSON, cut where the user's ids come in
    Text process_tail;
};

/// Reads a block in place. Offsets are checked: a damaged block gives empty texts and zeros, never a stray read.
class View {
  public:
    View() = default;
    View(const void* block, size_t size) : base_(static_cast<const char*>(block)), size_(size) {}

    /// False when the block isn't a plan.
    bool valid() const {
        Header header;
        if (size_ < sizeof header || size_ > UINT32_MAX) return false;
        memcpy(&header, base_, sizeof header);
        return header.magic == kMagic && header.version == kVersion && header.size == size_ &&
               header.root_size <= size_ - sizeof header && base_[size_ - 1] == '\0';
    }

    template <typename Root>
    Root root() const {
        Root value;
        Header header;
        memcpy(&header, base_, sizeof header);
        copy(value, sizeof header, header.root_size);
        return value;
    }

    /// Never null.
    const char* text(Text text) const { return text.offset != 0 && text.offset < size_ ? base_ + text.offset : ""; }

    template <typename Element>
    Element at(List list, uint32_t index) const {
        Element value{};
        const uint64_t offset = list.offset + uint64_t{list.stride} * index;
        if (index < list.count && offset + list.stride <= size_) copy(value, static_cast<uint32_t>(offset), list.stride);
        return value;
    }

    const char* textAt(List list, uint32_t index) const { return text(at<Text>(list, index)); }

    /// The raw bytes; null when they aren't all inside.
    const char* bytes(List list) const {
        const uint64_t length = uint64_t{list.stride} * list.count;
        return list.offset != 0 && list.offset + length <= size_ ? base_ + list.offset : nullptr;
    }

  private:
    template <typename Value>
    void copy(Value& value, uint32_t offset, uint32_t known) const {
        const size_t length = known < sizeof value ? known : sizeof value;
        memcpy(static_cast<void*>(&value), base_ + offset, length);
    }

    const char* base_ = nullptr;
    size_t size_ = 0;
};

}  // namespace davit::plan
