// Seccomp: a profile as JSON becomes the BPF program that the launcher loads.
//
// Two forms of profile are read: Docker's (archMap, includes and excludes by capability, architecture and kernel) and the
// "seccomp" section of an OCI config.json (architectures, flags). libseccomp builds the rules; in front of its program
// stands a short one of ours for what libseccomp doesn't know: system calls newer than the library, by number, and ENOSYS
// instead of EPERM for calls newer than the whole profile, so that programs fall back to older calls (as runc does).
//
// Compiling takes about 10 ms, so programs are kept in memory and, between daemons, in files named by the digest of all
// that went in.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_annotations.hpp"

namespace davit::linux {

struct SeccompFilter {
    std::string program;      ///< the bytes of an array of struct sock_filter, at most 4096 of them
    std::uint32_t flags = 0;  ///< SECCOMP_FILTER_FLAG_… for seccomp(2)
};

/// Docker's default profile.
[[nodiscard]] std::string_view defaultSeccompProfile();

/// Either form of profile as the "seccomp" section of a config.json, for runtimes that know only that: Docker's conditions are
/// decided, its archMap is the list for this machine. Throws Error{invalid}.
[[nodiscard]] std::string seccompSection(std::string_view profile, const std::vector<std::string>& capabilities);

/// Any thread; callers of the same profile share one compilation.
class SeccompCompiler {
  public:
    /// `cache` is a directory for compiled programs, made with mode 0700 when missing; empty: memory only.
    explicit SeccompCompiler(std::filesystem::path cache = {});

    /// The filter for `profile` in a container whose bounding set is `capabilities` ("CAP_X"). Unknown system calls are
    /// ignored; a profile that is malformed or names an unknown action, operator or architecture is Error{invalid}.
    [[nodiscard]] std::shared_ptr<const SeccompFilter> compile(std::string_view profile,
                                                               const std::vector<std::string>& capabilities);

  private:
    using Filter = std::shared_ptr<const SeccompFilter>;
    [[nodiscard]] Filter fromFile(const std::string& key) const;
    void toFile(const std::string& key, const SeccompFilter& filter) const;

    std::filesystem::path cache_;
    Mutex mutex_;
    std::map<std::string, Filter> filters_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::linux
