#include "linux/device_filter.hpp"

#include <linux/bpf.h>

#include <cstddef>

#include "base/check.hpp"

namespace davit::linux {
namespace {

// Registers of the program: what the kernel tells about the access.
constexpr std::uint8_t kResult = BPF_REG_0;
constexpr std::uint8_t kContext = BPF_REG_1;
constexpr std::uint8_t kType = BPF_REG_2;
constexpr std::uint8_t kAccess = BPF_REG_3;
constexpr std::uint8_t kMajor = BPF_REG_4;
constexpr std::uint8_t kMinor = BPF_REG_5;
constexpr std::uint8_t kScratch = BPF_REG_6;

struct bpf_insn instruction(unsigned code, std::uint8_t destination, std::uint8_t source, std::int16_t offset,
                            std::int32_t immediate) {
    struct bpf_insn result {};
    result.code = static_cast<std::uint8_t>(code);
    result.dst_reg = destination & 15U;
    result.src_reg = source & 15U;
    result.off = offset;
    result.imm = immediate;
    return result;
}

std::int32_t accessBits(const std::string& access) {
    std::int32_t bits = 0;
    for (const char letter : access) {
        if (letter == 'r') bits |= BPF_DEVCG_ACC_READ;
        else if (letter == 'w') bits |= BPF_DEVCG_ACC_WRITE;
        else if (letter == 'm') bits |= BPF_DEVCG_ACC_MKNOD;
        else throw error(Code::invalid, "invalid device access: {}", access);
    }
    return bits;
}

class Program {
  public:
    void load(std::uint8_t to, std::size_t offset) {
        add(instruction(BPF_LDX | BPF_W | BPF_MEM, to, kContext, static_cast<std::int16_t>(offset), 0));
    }
    void rule(const DeviceAccessRule& rule) {
        jumps_.clear();
        if (rule.type != 'a') skipUnless(BPF_JNE, kType, rule.type == 'c' ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK);
        if (rule.major) skipUnless(BPF_JNE, kMajor, static_cast<std::int32_t>(*rule.major));
        if (rule.minor) skipUnless(BPF_JNE, kMinor, static_cast<std::int32_t>(*rule.minor));
        access(accessBits(rule.access), rule.allow);
        finish(rule.allow);
        for (const std::size_t at : jumps_) code_[at].off = static_cast<std::int16_t>(code_.size() - at - 1);
    }
    void finish(bool allow) {
        add(instruction(BPF_ALU64 | BPF_MOV | BPF_K, kResult, 0, 0, allow ? 1 : 0));
        add(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
    }
    void split() {
        add(instruction(BPF_ALU64 | BPF_MOV | BPF_X, kAccess, kType, 0, 0));
        add(instruction(BPF_ALU64 | BPF_RSH | BPF_K, kAccess, 0, 0, 16));
        add(instruction(BPF_ALU64 | BPF_AND | BPF_K, kType, 0, 0, 0xffff));
    }
    [[nodiscard]] std::string bytes() const {
        return {reinterpret_cast<const char*>(code_.data()), code_.size() * sizeof(struct bpf_insn)};
    }

  private:
    void add(const struct bpf_insn& one) { code_.push_back(one); }
    /// Jumps behind the rule when the comparison holds.
    void skipUnless(unsigned comparison, std::uint8_t value, std::int32_t expected) {
        jumps_.push_back(code_.size());
        add(instruction(BPF_JMP | comparison | BPF_K, value, 0, 0, expected));
    }
    /// Each right is judged alone, as by v1's devices.allow and devices.deny: what an allowing rule grants is taken off what is
    /// asked for, and the last right to be granted decides; a refusing rule decides when anything of it is still asked for.
    void access(std::int32_t bits, bool allow) {
        const std::uint8_t judged = allow ? kAccess : kScratch;
        if (!allow) add(instruction(BPF_ALU64 | BPF_MOV | BPF_X, kScratch, kAccess, 0, 0));
        add(instruction(BPF_ALU64 | BPF_AND | BPF_K, judged, 0, 0, allow ? ~bits : bits));
        skipUnless(allow ? BPF_JNE : BPF_JEQ, judged, 0);
    }

    std::vector<struct bpf_insn> code_;
    std::vector<std::size_t> jumps_;
};

bool matchesAll(const DeviceAccessRule& rule) {
    return rule.type == 'a' && !rule.major && !rule.minor && accessBits(rule.access) == 7;
}

}  // namespace

std::string deviceLine(const DeviceAccessRule& rule) {
    if (matchesAll(rule)) return "a";
    const auto number = [](const std::optional<std::uint32_t>& value) { return value ? std::to_string(*value) : "*"; };
    return std::string(1, rule.type) + " " + number(rule.major) + ":" + number(rule.minor) + " " + rule.access;
}

std::string compileDeviceFilter(const std::vector<DeviceAccessRule>& rules) {
    Program program;
    program.load(kType, offsetof(struct bpf_cgroup_dev_ctx, access_type));
    program.load(kMajor, offsetof(struct bpf_cgroup_dev_ctx, major));
    program.load(kMinor, offsetof(struct bpf_cgroup_dev_ctx, minor));
    program.split();
    for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
        if (matchesAll(*rule)) {  // nothing before it counts
            program.finish(rule->allow);
            return program.bytes();
        }
        program.rule(*rule);
    }
    program.finish(false);
    return program.bytes();
}

}  // namespace davit::linux
