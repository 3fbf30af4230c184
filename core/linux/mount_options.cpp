#include "linux/mount_options.hpp"

#include <sys/mount.h>

#include <array>

namespace davit::linux {
namespace {

struct FlagWord {
    std::string_view word;
    std::uint64_t set;
    std::uint64_t clear;
};

constexpr std::array kFlagWords{
    FlagWord{"ro", MS_RDONLY, 0},
    FlagWord{"rw", 0, MS_RDONLY},
    FlagWord{"suid", 0, MS_NOSUID},
    FlagWord{"nosuid", MS_NOSUID, 0},
    FlagWord{"dev", 0, MS_NODEV},
    FlagWord{"nodev", MS_NODEV, 0},
    FlagWord{"exec", 0, MS_NOEXEC},
    FlagWord{"noexec", MS_NOEXEC, 0},
    FlagWord{"sync", MS_SYNCHRONOUS, 0},
    FlagWord{"async", 0, MS_SYNCHRONOUS},
    FlagWord{"dirsync", MS_DIRSYNC, 0},
    FlagWord{"remount", MS_REMOUNT, 0},
    FlagWord{"mand", MS_MANDLOCK, 0},
    FlagWord{"nomand", 0, MS_MANDLOCK},
    FlagWord{"atime", 0, MS_NOATIME},
    FlagWord{"noatime", MS_NOATIME, 0},
    FlagWord{"diratime", 0, MS_NODIRATIME},
    FlagWord{"nodiratime", MS_NODIRATIME, 0},
    FlagWord{"relatime", MS_RELATIME, 0},
    FlagWord{"norelatime", 0, MS_RELATIME},
    FlagWord{"strictatime", MS_STRICTATIME, 0},
    FlagWord{"nostrictatime", 0, MS_STRICTATIME},
    FlagWord{"iversion", MS_I_VERSION, 0},
    FlagWord{"noiversion", 0, MS_I_VERSION},
    FlagWord{"silent", MS_SILENT, 0},
    FlagWord{"loud", 0, MS_SILENT},
    FlagWord{"defaults", 0, 0},
};

constexpr std::array kRecursiveWords{
    FlagWord{"rro", MOUNT_ATTR_RDONLY, 0},       FlagWord{"rrw", 0, MOUNT_ATTR_RDONLY},
    FlagWord{"rnosuid", MOUNT_ATTR_NOSUID, 0},   FlagWord{"rsuid", 0, MOUNT_ATTR_NOSUID},
    FlagWord{"rnodev", MOUNT_ATTR_NODEV, 0},     FlagWord{"rdev", 0, MOUNT_ATTR_NODEV},
    FlagWord{"rnoexec", MOUNT_ATTR_NOEXEC, 0},   FlagWord{"rexec", 0, MOUNT_ATTR_NOEXEC},
    FlagWord{"rnoatime", MOUNT_ATTR_NOATIME, 0}, FlagWord{"rnodiratime", MOUNT_ATTR_NODIRATIME, 0},
};

template <std::size_t N>
const FlagWord* find(const std::array<FlagWord, N>& words, std::string_view word) {
    for (const FlagWord& entry : words)
        if (entry.word == word) return &entry;
    return nullptr;
}

bool applyWord(MountOptions& options, std::string_view word) {
    if (const FlagWord* flag = find(kFlagWords, word)) {
        options.set = (options.set | flag->set) & ~flag->clear;
        options.clear = (options.clear | flag->clear) & ~flag->set;
    } else if (const FlagWord* recursive = find(kRecursiveWords, word)) {
        options.recursive_set = (options.recursive_set | recursive->set) & ~recursive->clear;
        options.recursive_clear = (options.recursive_clear | recursive->clear) & ~recursive->set;
    } else if (const std::uint64_t propagation = parsePropagation(word)) {
        options.propagation = propagation;
    } else if (word == "bind" || word == "rbind") {
        options.bind = true;
        options.recursive_bind = word == "rbind";
    } else {
        return false;
    }
    return true;
}

}  // namespace

std::uint64_t parsePropagation(std::string_view word) {
    if (word == "private") return MS_PRIVATE;
    if (word == "rprivate") return MS_PRIVATE | MS_REC;
    if (word == "slave") return MS_SLAVE;
    if (word == "rslave") return MS_SLAVE | MS_REC;
    if (word == "shared") return MS_SHARED;
    if (word == "rshared") return MS_SHARED | MS_REC;
    if (word == "unbindable") return MS_UNBINDABLE;
    if (word == "runbindable") return MS_UNBINDABLE | MS_REC;
    return 0;
}

MountOptions parseMountOptions(const std::vector<std::string>& words) {
    MountOptions options;
    for (const std::string& word : words) {
        if (word.empty() || applyWord(options, word)) continue;
        if (!options.data.empty()) options.data += ',';
        options.data += word;
    }
    return options;
}

std::uint64_t mountAttributes(std::uint64_t flags) {
    std::uint64_t attributes = 0;
    if (flags & MS_RDONLY) attributes |= MOUNT_ATTR_RDONLY;
    if (flags & MS_NOSUID) attributes |= MOUNT_ATTR_NOSUID;
    if (flags & MS_NODEV) attributes |= MOUNT_ATTR_NODEV;
    if (flags & MS_NOEXEC) attributes |= MOUNT_ATTR_NOEXEC;
    if (flags & MS_NODIRATIME) attributes |= MOUNT_ATTR_NODIRATIME;
    if (flags & MS_NOATIME) attributes |= MOUNT_ATTR_NOATIME;
    if (flags & MS_STRICTATIME) attributes |= MOUNT_ATTR_STRICTATIME;
    return attributes;
}

}  // namespace davit::linux
