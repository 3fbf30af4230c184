#include "linux/seccomp.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <functional>

#include "base/error.hpp"
#include "base/file.hpp"
#include "linux/capability.hpp"

using namespace davit;
using namespace davit::linux;

namespace {

// Runs `call` in a child under the filter; returns the errno it saw, 0 for success.
int underFilter(const SeccompFilter& filter, const std::function<long()>& call) {
    auto* result = static_cast<int*>(
        ::mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    *result = -1;
    const pid_t child = ::fork();
    if (child == 0) {
        sock_fprog program{.len = static_cast<unsigned short>(filter.program.size() / sizeof(sock_filter)),
                           .filter = reinterpret_cast<sock_filter*>(const_cast<char*>(filter.program.data()))};
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, filter.flags, &program) != 0) ::_exit(1);
        *result = call() < 0 ? errno : 0;
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    const int seen = *result;
    ::munmap(result, sizeof(int));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? seen : -1;
}

long raw(long number, long a = -1, long b = 0, long c = 0) { return ::syscall(number, a, b, c, 0, 0, 0); }

}  // namespace

BOOST_AUTO_TEST_SUITE(seccomp_)

BOOST_AUTO_TEST_CASE(default_profile_denies_and_allows_as_dockers) {
    SeccompCompiler compiler;
    const auto filter = compiler.compile(defaultSeccompProfile(), defaultCapabilities());
    BOOST_TEST(underFilter(*filter, [] { return raw(SYS_getpid); }) == 0);
    BOOST_TEST(underFilter(*filter, [] { return raw(SYS_setns); }) == EPERM);
    BOOST_TEST(underFilter(*filter, [] { return raw(SYS_unshare, 0); }) == EPERM);
    BOOST_TEST(underFilter(*filter, [] { return raw(SYS_clone3, 0); }) == ENOSYS);
    BOOST_TEST(underFilter(*filter, [] { return raw(SYS_bpf); }) == EPERM);
    BOOST_TEST(underFilter(*filter, [] { return raw(425); }) == EPERM);  // io_uring_setup
    BOOST_TEST(underFilter(*filter, [] { return raw(SYS_socket, AF_INET, SOCK_DGRAM); }) == 0);
    BOOST_TEST(underFilter(*filter, [] { return raw(SYS_socket, 38, SOCK_DGRAM); }) == EPERM);  // AF_ALG
    BOOST_TEST(underFilter(*filter, [] { return raw(SYS_socket, 40, SOCK_DGRAM); }) == EPERM);  // AF_VSOCK
    BOOST_TEST(underFilter(*filter, [] { return raw(SYS_personality, 0xffffffff); }) == 0);
    BOOST_TEST(underFilter(*filter, [] { return raw(SYS_personality, 0x0040000); }) == EPERM);
}

BOOST_AUTO_TEST_CASE(calls_newer_than_the_library_pass_by_number_and_unknown_ones_say_enosys) {
    SeccompCompiler compiler;
    const auto filter = compiler.compile(defaultSeccompProfile(), defaultCapabilities());
    BOOST_TEST(underFilter(*filter, [] { return raw(462, 0, 0, 1); }) != EPERM);  // mseal
    BOOST_TEST(underFilter(*filter, [] { return raw(457, 0); }) != EPERM);        // statmount
    BOOST_TEST(underFilter(*filter, [] { return raw(459, 0); }) == EPERM);        // lsm_get_self_attr: with SYS_ADMIN only
    BOOST_TEST(underFilter(*filter, [] { return raw(600); }) == ENOSYS);
}

BOOST_AUTO_TEST_CASE(capabilities_open_their_groups) {
    SeccompCompiler compiler;
    const auto filter = compiler.compile(defaultSeccompProfile(), {"CAP_SYS_ADMIN", "CAP_SYS_PTRACE"});
    BOOST_TEST(underFilter(*filter, [] { return raw(SYS_setns); }) == EBADF);
    BOOST_TEST(underFilter(*filter, [] { return raw(SYS_clone3, 0); }) != ENOSYS);
}

BOOST_AUTO_TEST_CASE(an_oci_section_is_a_profile_too) {
    SeccompCompiler compiler;
    const auto filter = compiler.compile(
        R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],
            "syscalls":[{"names":["getppid","no_such_call"],"action":"SCMP_ACT_ERRNO","errnoRet":77}]})",
        {});
    BOOST_TEST(underFilter(*filter, [] { return raw(SYS_getppid); }) == 77);
    BOOST_TEST(underFilter(*filter, [] { return raw(600); }) == ENOSYS);
}

BOOST_AUTO_TEST_CASE(a_section_for_other_runtimes_filters_the_same) {
    SeccompCompiler compiler;
    for (const std::vector<std::string>& capabilities : {defaultCapabilities(), std::vector<std::string>{"CAP_SYS_ADMIN"}}) {
        const std::string section = seccompSection(defaultSeccompProfile(), capabilities);
        BOOST_TEST(section.find("includes") == std::string::npos);
        BOOST_TEST(section.find("archMap") == std::string::npos);
        BOOST_TEST((compiler.compile(section, {})->program == compiler.compile(defaultSeccompProfile(), capabilities)->program));
    }
    BOOST_CHECK_THROW((void)seccompSection(R"({"defaultAction":"SCMP_ACT_FLY"})", {}), davit::Error);
}

BOOST_AUTO_TEST_CASE(malformed_profiles_are_invalid) {
    SeccompCompiler compiler;
    for (const auto* text : {"", "[]", "{}", R"({"defaultAction":"SCMP_ACT_FLY"})",
                             R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO",
                                 "args":[{"index":9,"op":"SCMP_CMP_EQ"}]}]})"})
        BOOST_CHECK_THROW((void)compiler.compile(text, {}), davit::Error);
}

BOOST_AUTO_TEST_CASE(a_compiled_filter_is_found_again_in_its_file) {
    const TempDir dir;
    const auto first = SeccompCompiler(dir.path() / "cache").compile(defaultSeccompProfile(), {});
    BOOST_REQUIRE(std::distance(std::filesystem::directory_iterator(dir.path() / "cache"), {}) == 1);
    const auto file = std::filesystem::directory_iterator(dir.path() / "cache")->path();
    const auto again = SeccompCompiler(dir.path() / "cache").compile(defaultSeccompProfile(), {});
    BOOST_TEST((first->program == again->program));
    writeFileAtomically(file, "damaged");
    BOOST_TEST((SeccompCompiler(dir.path() / "cache").compile(defaultSeccompProfile(), {})->program == first->program));
}

BOOST_AUTO_TEST_SUITE_END()
