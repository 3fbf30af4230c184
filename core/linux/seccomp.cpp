#include "linux/seccomp.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <set>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "linux/seccomp_profile.hpp"

// The profile is data of the project, carried in the binary.
asm(R"(
    .pushsection .rodata
    .global davit_seccomp_profile_begin
    .global davit_seccomp_profile_end
davit_seccomp_profile_begin:
    .incbin ")" DAVIT_SECCOMP_PROFILE R"("
davit_seccomp_profile_end:
    .byte 0
    .popsection
)");
extern "C" const char davit_seccomp_profile_begin[];
extern "C" const char davit_seccomp_profile_end[];

namespace davit::linux {
namespace {

// Changes with everything about compile() that the inputs in the key don't show.
constexpr std::string_view kCacheFormat = "davit-seccomp-1";

struct NumberedCall {
    std::string_view name;
    std::uint32_t number;
};
// System calls that libseccomp 2.5.4 doesn't know. From 424 on the numbers are the same on all architectures
// (the kernel's scripts/syscall.tbl); uretprobe is x86-64's alone.
constexpr std::array kNewCalls = {
    NumberedCall{"cachestat", 451},         NumberedCall{"fchmodat2", 452},     NumberedCall{"map_shadow_stack", 453},
    NumberedCall{"futex_wake", 454},        NumberedCall{"futex_wait", 455},    NumberedCall{"futex_requeue", 456},
    NumberedCall{"statmount", 457},         NumberedCall{"listmount", 458},     NumberedCall{"lsm_get_self_attr", 459},
    NumberedCall{"lsm_set_self_attr", 460}, NumberedCall{"lsm_list_modules", 461}, NumberedCall{"mseal", 462},
    NumberedCall{"setxattrat", 463},        NumberedCall{"getxattrat", 464},    NumberedCall{"listxattrat", 465},
    NumberedCall{"removexattrat", 466},
#if defined(__x86_64__)
    NumberedCall{"uretprobe", 335},
#endif
};

struct ContextDeleter {
    void operator()(void* context) const { ::seccomp_release(context); }
};
using Context = std::unique_ptr<void, ContextDeleter>;

void checkCall(int result, std::string_view doing) {
    if (result < 0) throw Error::system(std::string(doing), -result);
}

// What stands in front of libseccomp's program, for the native architecture and the 32-bit one beside it.
struct Prologue {
    std::set<std::uint32_t> allowed;  // numbers of new calls that the profile allows whatever their arguments
    std::map<std::uint32_t, std::uint32_t> highest;  // AUDIT_ARCH_… -> highest number that the profile speaks of
    bool unknown_is_enosys = false;
};

std::optional<std::uint32_t> newCallNumber(std::string_view name) {
    for (const NumberedCall& call : kNewCalls)
        if (call.name == name) return call.number;
    return std::nullopt;
}

void raise(Prologue& prologue, std::uint32_t architecture, std::uint32_t number) {
    auto& highest = prologue.highest[architecture];
    highest = std::max(highest, number);
}

void noteNames(Prologue& prologue, const SeccompProfile& profile, const std::vector<std::uint32_t>& architectures) {
    constexpr std::uint32_t kX32Bit = 0x40000000;
    for (const SeccompRule& rule : profile.rules)
        for (const std::string& name : rule.names)
            for (const std::uint32_t architecture : architectures) {
                const int known = ::seccomp_syscall_resolve_name_arch(architecture, name.c_str());
                // x32 shares x86-64's audit architecture and marks its numbers by a bit.
                const std::uint32_t audit = architecture == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : architecture;
                if (known >= 0) raise(prologue, audit, static_cast<std::uint32_t>(known) & ~kX32Bit);
                const auto number = newCallNumber(name);
                if (known != __NR_SCMP_ERROR || !number) continue;
                raise(prologue, audit, *number);
                if (rule.action == SCMP_ACT_ALLOW && rule.arguments.empty()) prologue.allowed.insert(*number);
            }
}

sock_filter statement(int code, std::uint32_t value) { return BPF_STMT(static_cast<std::uint16_t>(code), value); }
sock_filter jump(int code, std::uint32_t value, std::size_t if_true, std::size_t if_false) {
    return BPF_JUMP(static_cast<std::uint16_t>(code), value, static_cast<std::uint8_t>(if_true),
                    static_cast<std::uint8_t>(if_false));
}

std::vector<sock_filter> architecturePart(const Prologue& prologue, std::uint32_t architecture, std::uint32_t highest) {
    constexpr std::uint32_t kNotX32Bit = 0xbfffffff;
    std::vector<sock_filter> body{statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    if (architecture == SCMP_ARCH_X86_64) body.push_back(statement(BPF_ALU | BPF_AND | BPF_K, kNotX32Bit));
    for (const std::uint32_t number : prologue.allowed) {
        body.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
        body.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    }
    if (prologue.unknown_is_enosys) {
        body.push_back(jump(BPF_JMP | BPF_JGT | BPF_K, highest, 0, 1));
        body.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
    }
    std::vector<sock_filter> part{statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
                                  jump(BPF_JMP | BPF_JEQ | BPF_K, architecture, 0, body.size())};
    part.insert(part.end(), body.begin(), body.end());
    return part;
}

std::string prologueProgram(const Prologue& prologue) {
    std::string bytes;
    if (prologue.allowed.empty() && !prologue.unknown_is_enosys) return bytes;
    for (const auto& [architecture, highest] : prologue.highest) {
        const auto part = architecturePart(prologue, architecture, highest);
        bytes.append(reinterpret_cast<const char*>(part.data()), part.size() * sizeof(sock_filter));
    }
    return bytes;
}

void addRule(const Context& context, const SeccompRule& rule, int number) {
    const auto add = [&](const std::vector<scmp_arg_cmp>& arguments) {
        const int result = ::seccomp_rule_add_array(context.get(), rule.action, number,
                                                    static_cast<unsigned>(arguments.size()), arguments.data());
        if (result != 0 && result != -EEXIST) checkCall(result, "seccomp: add a rule");
    };
    std::set<unsigned> indexes;
    for (const scmp_arg_cmp& argument : rule.arguments) indexes.insert(argument.arg);
    if (indexes.size() == rule.arguments.size()) return add(rule.arguments);
    // libseccomp takes each argument once a rule; several conditions on one are alternatives (runc's reading).
    for (const scmp_arg_cmp& argument : rule.arguments) add({argument});
}

void addRules(const Context& context, const SeccompProfile& profile) {
    for (const SeccompRule& rule : profile.rules) {
        if (rule.action == profile.default_action) continue;  // libseccomp refuses what changes nothing
        for (const std::string& name : rule.names)
            if (const int number = ::seccomp_syscall_resolve_name(name.c_str()); number != __NR_SCMP_ERROR)
                addRule(context, rule, number);
    }
}

std::string exportProgram(const Context& context) {
    const UniqueFd memory(check(::memfd_create("davit-seccomp", MFD_CLOEXEC), "make a memory file"));
    checkCall(::seccomp_export_bpf(context.get(), memory.get()), "seccomp: generate the program");
    const off_t size = check(::lseek(memory.get(), 0, SEEK_END), "measure a memory file");
    std::string bytes(static_cast<std::size_t>(size), '\0');
    check(::pread(memory.get(), bytes.data(), bytes.size(), 0), "read a memory file");
    return bytes;
}

SeccompFilter build(const SeccompProfile& profile) {
    const Context context(::seccomp_init(profile.default_action));
    if (!context) throw error(Code::invalid, "seccomp: the default action isn't supported by this kernel");
    // A tree instead of a list: 2.5 times cheaper to load, because the kernel runs it once for every system call then.
    checkCall(::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "seccomp: optimise");
    std::vector<std::uint32_t> architectures{::seccomp_arch_native()};
    for (const std::uint32_t architecture : profile.architectures) {
        if (architecture == architectures.front()) continue;
        const int added = ::seccomp_arch_add(context.get(), architecture);
        if (added != -EEXIST) checkCall(added, "seccomp: add an architecture");
        architectures.push_back(architecture);
    }
    addRules(context, profile);
    Prologue prologue;
    prologue.unknown_is_enosys = profile.default_action == SCMP_ACT_ERRNO(EPERM);
    noteNames(prologue, profile, architectures);
    SeccompFilter filter{.program = prologueProgram(prologue) + exportProgram(context), .flags = profile.flags};
    if (filter.program.size() / sizeof(sock_filter) > BPF_MAXINSNS)
        throw error(Code::invalid, "seccomp: the profile makes a program of more than {} instructions", BPF_MAXINSNS);
    return filter;
}

std::string cacheKey(std::string_view profile, const std::vector<std::string>& capabilities) {
    utsname host{};
    check(::uname(&host), "read the kernel's version");
    const scmp_version* library = ::seccomp_version();
    std::string input = fmt::format("{}\n{}\n{}.{}.{}\n", kCacheFormat, host.release, library->major, library->minor,
                                    library->micro);
    for (const std::string& name : capabilities) input += name + "\n";
    input += profile;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (::EVP_Digest(input.data(), input.size(), digest.data(), &size, ::EVP_sha256(), nullptr) != 1)
        throw error(Code::system, "seccomp: cannot compute a digest");
    return toHex({reinterpret_cast<const char*>(digest.data()), size});
}

}  // namespace

std::string_view defaultSeccompProfile() {
    return {davit_seccomp_profile_begin,
            static_cast<std::size_t>(davit_seccomp_profile_end - davit_seccomp_profile_begin)};
}

SeccompCompiler::SeccompCompiler(std::filesystem::path cache) : cache_(std::move(cache)) {
    if (!cache_.empty()) makeDirectories(cache_, 0700);
}

std::shared_ptr<const SeccompFilter> SeccompCompiler::compile(std::string_view profile,
                                                              const std::vector<std::string>& capabilities) {
    const std::string key = cacheKey(profile, capabilities);
    const Lock lock(mutex_);  // held while compiling, so that a second caller waits instead of compiling it again
    auto& filter = filters_[key];
    if (!filter) filter = fromFile(key);
    if (!filter) {
        filter = std::make_shared<const SeccompFilter>(build(parseSeccompProfile(profile, capabilities)));
        toFile(key, *filter);
    }
    return filter;
}

// A file is the flags, then the program. Anything of another shape is compiled again.
std::shared_ptr<const SeccompFilter> SeccompCompiler::fromFile(const std::string& key) const {
    if (cache_.empty()) return nullptr;
    const auto content = readFile(cache_ / key);
    constexpr std::size_t kHeader = sizeof(std::uint32_t);
    if (!content || content->size() <= kHeader || (content->size() - kHeader) % sizeof(sock_filter) != 0) return nullptr;
    SeccompFilter filter{.program = content->substr(kHeader), .flags = 0};
    std::memcpy(&filter.flags, content->data(), kHeader);
    return std::make_shared<const SeccompFilter>(std::move(filter));
}

void SeccompCompiler::toFile(const std::string& key, const SeccompFilter& filter) const {
    if (cache_.empty()) return;
    std::string content(reinterpret_cast<const char*>(&filter.flags), sizeof filter.flags);
    content += filter.program;
    try {
        writeFileAtomically(cache_ / key, content, 0600);
    } catch (const Error&) {  // a full disk costs 10 ms at the next start, nothing else
    }
}

}  // namespace davit::linux
