#include "linux/device_filter.hpp"

#include <linux/bpf.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstring>

#include "base/error.hpp"

using namespace davit;
using namespace davit::linux;

namespace {

/// Runs the few instructions that the filter is made of, as the kernel would.
class Machine {
  public:
    explicit Machine(const std::string& bytes) : code_(bytes.size() / sizeof(struct bpf_insn)) {
        BOOST_REQUIRE(bytes.size() % sizeof(struct bpf_insn) == 0U);
        std::memcpy(code_.data(), bytes.data(), bytes.size());
    }

    bool allows(char type, const std::string& access, std::uint32_t major, std::uint32_t minor) {
        std::uint32_t bits = 0;
        for (const char letter : access)
            bits |= letter == 'm' ? BPF_DEVCG_ACC_MKNOD : letter == 'r' ? BPF_DEVCG_ACC_READ : BPF_DEVCG_ACC_WRITE;
        const std::uint32_t kind = type == 'c' ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK;
        context_ = {.access_type = bits << 16 | kind, .major = major, .minor = minor};
        for (std::size_t at = 0; at < code_.size(); ++at) {
            if (code_[at].code == (BPF_JMP | BPF_EXIT)) return registers_[0] != 0;
            at += step(code_[at]);
        }
        BOOST_FAIL("the program runs over its end");
        return false;
    }

  private:
    /// How many instructions are jumped over.
    std::size_t step(const struct bpf_insn& one) {
        std::uint64_t& to = registers_.at(one.dst_reg);
        const std::uint64_t from = (one.code & BPF_X) != 0 ? registers_.at(one.src_reg) : static_cast<std::uint64_t>(one.imm);
        if (one.code == (BPF_LDX | BPF_W | BPF_MEM)) {
            BOOST_REQUIRE(one.src_reg == BPF_REG_1);
            std::uint32_t word = 0;
            std::memcpy(&word, reinterpret_cast<const char*>(&context_) + one.off, sizeof word);
            to = word;
            return 0;
        }
        const unsigned kind = BPF_CLASS(one.code);
        const unsigned operation = BPF_OP(one.code);
        if (kind == BPF_ALU64 && operation == BPF_MOV) to = from;
        else if (kind == BPF_ALU64 && operation == BPF_RSH) to >>= from;
        else if (kind == BPF_ALU64 && operation == BPF_AND) to &= from;
        else if (kind == BPF_JMP && operation == BPF_JNE) return to != from ? static_cast<std::size_t>(one.off) : 0;
        else if (kind == BPF_JMP && operation == BPF_JEQ) return to == from ? static_cast<std::size_t>(one.off) : 0;
        else BOOST_FAIL("unexpected instruction");
        return 0;
    }

    std::vector<struct bpf_insn> code_;
    std::array<std::uint64_t, 11> registers_{};
    struct bpf_cgroup_dev_ctx context_ {};
};

Machine machine(const std::vector<DeviceAccessRule>& rules) { return Machine(compileDeviceFilter(rules)); }

const DeviceAccessRule kDenyAll{};
const DeviceAccessRule kAllowAll{.allow = true, .major = {}, .minor = {}};
const DeviceAccessRule kNull{.allow = true, .type = 'c', .major = 1, .minor = 3};

}  // namespace

BOOST_AUTO_TEST_SUITE(device_filter)

BOOST_AUTO_TEST_CASE(lines_are_those_of_cgroup_v1) {
    BOOST_TEST(deviceLine(kDenyAll) == "a");
    BOOST_TEST(deviceLine(kNull) == "c 1:3 rwm");
    BOOST_TEST(deviceLine({.allow = true, .type = 'b', .major = 8, .minor = {}, .access = "r"}) == "b 8:* r");
    BOOST_TEST(deviceLine({.allow = true, .type = 'a', .major = {}, .minor = {}, .access = "m"}) == "a *:* m");
}

BOOST_AUTO_TEST_CASE(without_a_rule_everything_is_refused) {
    Machine none = machine({});
    BOOST_TEST(!none.allows('c', "r", 1, 3));
    BOOST_TEST(!none.allows('b', "m", 8, 0));
}

BOOST_AUTO_TEST_CASE(a_rule_covers_its_device_and_no_other) {
    Machine null_only = machine({kDenyAll, kNull});
    BOOST_TEST(null_only.allows('c', "rw", 1, 3));
    BOOST_TEST(null_only.allows('c', "rwm", 1, 3));
    BOOST_TEST(!null_only.allows('b', "rw", 1, 3));
    BOOST_TEST(!null_only.allows('c', "rw", 1, 5));
    BOOST_TEST(!null_only.allows('c', "rw", 2, 3));
}

BOOST_AUTO_TEST_CASE(absent_numbers_and_kinds_stand_for_all) {
    Machine disks = machine({{.allow = true, .type = 'b', .major = 8, .minor = {}}});
    BOOST_TEST(disks.allows('b', "w", 8, 0));
    BOOST_TEST(disks.allows('b', "w", 8, 255));
    BOOST_TEST(!disks.allows('b', "w", 9, 0));
    Machine every = machine({{.allow = true, .type = 'a', .major = {}, .minor = {}, .access = "m"}});
    BOOST_TEST(every.allows('b', "m", 8, 0));
    BOOST_TEST(every.allows('c', "m", 1, 3));
    BOOST_TEST(!every.allows('c', "r", 1, 3));
}

BOOST_AUTO_TEST_CASE(an_allowing_rule_must_cover_all_that_is_asked_for) {
    Machine reading = machine({{.allow = true, .type = 'c', .major = 1, .minor = 3, .access = "r"}});
    BOOST_TEST(reading.allows('c', "r", 1, 3));
    BOOST_TEST(!reading.allows('c', "w", 1, 3));
    BOOST_TEST(!reading.allows('c', "rw", 1, 3));
}

BOOST_AUTO_TEST_CASE(a_refusing_rule_needs_only_a_part_of_it) {
    Machine no_writes = machine({kAllowAll, {.allow = false, .type = 'c', .major = 1, .minor = 3, .access = "w"}});
    BOOST_TEST(no_writes.allows('c', "r", 1, 3));
    BOOST_TEST(!no_writes.allows('c', "w", 1, 3));
    BOOST_TEST(!no_writes.allows('c', "rw", 1, 3));
    BOOST_TEST(no_writes.allows('c', "rw", 1, 5));
}

BOOST_AUTO_TEST_CASE(the_last_match_decides) {
    BOOST_TEST(!machine({kNull, kDenyAll}).allows('c', "r", 1, 3));
    BOOST_TEST(machine({kDenyAll, kAllowAll}).allows('b', "rwm", 8, 0));
    BOOST_TEST(machine({kAllowAll, kDenyAll, kNull}).allows('c', "r", 1, 3));
    BOOST_TEST(!machine({kAllowAll, kDenyAll, kNull}).allows('c', "r", 1, 5));
}

BOOST_AUTO_TEST_CASE(rights_of_several_rules_add_up) {
    Machine disks = machine({kDenyAll, {.allow = true, .type = 'b', .major = 8, .minor = 0, .access = "r"},
                             {.allow = true, .type = 'b', .major = {}, .minor = 0, .access = "w"}});
    BOOST_TEST(disks.allows('b', "rw", 8, 0));
    BOOST_TEST(!disks.allows('b', "rwm", 8, 0));
    BOOST_TEST(!disks.allows('b', "rw", 9, 0));
}

BOOST_AUTO_TEST_CASE(the_last_rule_decides_each_right_alone) {
    Machine misc = machine({{.allow = true, .type = 'c', .major = 10, .minor = {}},
                            {.allow = false, .type = 'c', .major = 10, .minor = 229, .access = "w"},
                            {.allow = true, .type = 'c', .major = 10, .minor = 229, .access = "m"}});
    BOOST_TEST(misc.allows('c', "rm", 10, 229));
    BOOST_TEST(!misc.allows('c', "rw", 10, 229));
    BOOST_TEST(misc.allows('c', "rwm", 10, 200));
}

BOOST_AUTO_TEST_CASE(other_letters_of_access_are_refused) {
    BOOST_CHECK_EXCEPTION((void)compileDeviceFilter({{.allow = true, .type = 'c', .major = 1, .minor = 3, .access = "rx"}}),
                          Error, [](const Error& failure) { return failure.code() == Code::invalid; });
}

BOOST_AUTO_TEST_SUITE_END()
