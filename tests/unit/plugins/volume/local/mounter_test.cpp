#include "local/mounter.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#include <atomic>
#include <thread>

#include "local_fixtures.hpp"

using namespace davit;
using namespace davit::local;
namespace fs = std::filesystem;

namespace {

// A FUSE file system whose server never answers.
class SilentFuse {
  public:
    SilentFuse() : device_(::open("/dev/fuse", O_RDWR | O_CLOEXEC)) {
        const std::string options = fmt::format("fd={},rootmode=40000,user_id=0,group_id=0", device_.get());
        works_ = device_ && ::mount("silent", dir_.path().c_str(), "fuse", 0, options.c_str()) == 0;
    }
    ~SilentFuse() {
        device_.reset();  // ends the requests first
        if (works_) (void)::umount2(dir_.path().c_str(), MNT_DETACH);
    }
    SilentFuse(const SilentFuse&) = delete;
    SilentFuse& operator=(const SilentFuse&) = delete;
    [[nodiscard]] bool works() const { return works_; }
    [[nodiscard]] std::string somewhere() const { return (dir_.path() / "anything").string(); }

  private:
    TempDir dir_;
    UniqueFd device_;
    bool works_ = false;
};

davit_call callOf(std::int64_t ms) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    davit_call call{};
    call.deadline_ms = std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000 + ms;
    return call;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(local_mounter)

BOOST_AUTO_TEST_CASE(a_tmpfs_is_there_from_the_first_user_to_the_last) {
    LocalVolumes local;
    local->create("mem", {{"type", "tmpfs"}, {"device", "tmpfs"}, {"o", "size=1m,mode=0711"}});
    BOOST_TEST(!local.isMounted("mem"));
    const fs::path path = local->mount("mem", "1");
    BOOST_TEST(mountAt(path).value().type == "tmpfs");
    BOOST_TEST((local->mount("mem", "2") == path));
    BOOST_TEST(mountsBelow(local.root()).size() == 1U);
    struct statfs size {};
    check(::statfs(path.c_str(), &size), "statfs");
    BOOST_TEST(size.f_blocks * static_cast<std::uint64_t>(size.f_bsize) == 1U << 20);
    local->unmount("mem", "1");
    BOOST_TEST(local.isMounted("mem"));
    local->unmount("mem", "1");
    BOOST_TEST(local.isMounted("mem"));
    local->unmount("mem", "2");
    BOOST_TEST(!local.isMounted("mem"));
}

BOOST_AUTO_TEST_CASE(a_bind_mount_has_its_flags_and_propagation) {
    const TempDir dir;
    writeFileAtomically(dir.path() / "f", "x");
    LocalVolumes local;
    local->create("bound", {{"type", "none"}, {"device", dir.path().string()}, {"o", "bind,ro,nosuid"}});
    const fs::path path = local->mount("bound", "1");
    BOOST_TEST(fs::exists(path / "f"));
    BOOST_TEST((::open((path / "g").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600) == -1 && errno == EROFS));
    writeFileAtomically(dir.path() / "writable", "x");
    BOOST_TEST(local->usage("bound").size == -1);
    local->unmount("bound", "1");
    local->remove("bound");
    BOOST_TEST(fs::exists(dir.path() / "f"));
}

BOOST_AUTO_TEST_CASE(a_mount_that_fails_says_what_and_leaves_nothing) {
    LocalVolumes local;
    local->create("bad", {{"type", "no-such-type"}, {"device", "/dev/none"}, {"o", "noexec,colour=red"}});
    BOOST_CHECK_EXCEPTION(local->mount("bad", "1"), Error,
                          withText("failed to mount local volume: mount /dev/none:" + local.data("bad").string() +
                                   ", flags: 0x8, data: colour=red: No such device"));
    BOOST_TEST(!local.isMounted("bad"));
    local->remove("bad");
    // Half of it works: the bind does, the recursive attribute doesn't.
    const TempDir dir;
    local->create("half", {{"type", "none"}, {"device", dir.path().string()}, {"o", "bind,remount"}});
    BOOST_CHECK_THROW(local->mount("half", "1"), Error);
    BOOST_TEST(!local.isMounted("half"));
}

BOOST_AUTO_TEST_CASE(a_mount_whose_user_cannot_be_noted_is_undone) {
    LocalVolumes local;
    local->create("mem", {{"type", "tmpfs"}, {"device", "tmpfs"}});
    BOOST_CHECK_EXCEPTION(local->mount("mem", std::string(5000, 'i')), Error, withCode(Code::invalid));
    BOOST_TEST(!local.isMounted("mem"));
}

BOOST_AUTO_TEST_CASE(an_unmount_has_time_when_the_call_has_none) {
    LocalVolumes local;
    local->create("mem", {{"type", "tmpfs"}, {"device", "tmpfs"}});
    (void)local->mount("mem", "1");
    davit_call call = callOf(0);
    call.cancelled = [](void*) { return std::int32_t{1}; };
    const CurrentCall::Scope scope(call);
    local->unmount("mem", "1");
    BOOST_TEST(!local.isMounted("mem"));
}

BOOST_AUTO_TEST_CASE(an_empty_device_is_missed_at_the_mount_as_docker_does) {
    LocalVolumes local;
    local->create("empty", {{"type", "tmpfs"}, {"device", ""}});
    BOOST_CHECK_EXCEPTION(local->mount("empty", "1"), Error, withText("missing device in volume options"));
    const TempDir dir;
    local->create("untyped", {{"type", ""}, {"device", dir.path().string()}, {"o", "bind"}});
    (void)local->mount("untyped", "1");
    local->unmount("untyped", "1");
}

BOOST_AUTO_TEST_CASE(passwords_are_not_in_errors) {
    LocalVolumes local;
    local->create("share", {{"type", "no-such-type"}, {"device", "//host/share"}, {"o", "username=me,password=sesame,vers=3"}});
    BOOST_CHECK_EXCEPTION(local->mount("share", "1"), Error, [](const Error& e) {
        return e.text().find("sesame") == std::string::npos && e.text().find("username=me") != std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(an_address_that_cannot_be_resolved_is_named) {
    LocalVolumes local;
    local->create("far", {{"type", "nfs"}, {"device", ":/export"}, {"o", "addr=no-such-host.invalid,ro"}});
    std::thread([&] {
        check(::unshare(CLONE_NEWNET), "make a network namespace");  // no server to wait for
        BOOST_CHECK_EXCEPTION(local->mount("far", "1"), Error, withText("error resolving passed in network volume address: "));
    }).join();
    local->create("near", {{"type", "nfs"}, {"device", ":/export"}, {"o", "addr=::1,ro"}});
    local->remove("near");
}

BOOST_AUTO_TEST_CASE(a_server_that_never_answers_delays_only_who_asks) {
    const SilentFuse silent;
    if (!silent.works()) {
        BOOST_TEST_MESSAGE("skipped: no fuse here");
        return;
    }
    LocalVolumes local;
    local->create("hangs", {{"type", "none"}, {"device", silent.somewhere()}, {"o", "bind"}});
    std::atomic<bool> over = false;
    std::thread waiting([&] {
        const davit_call call = callOf(3000);
        const CurrentCall::Scope scope(call);
        BOOST_CHECK_EXCEPTION(local->mount("hangs", "1"), Error, [](const Error& e) {
            return e.code() == Code::deadline && e.text().starts_with("failed to mount local volume: ") && e.text().find("no answer within") != std::string::npos;
        });
        over = true;
    });
    for (int i = 0; i < 20; ++i) {
        const std::string name = fmt::format("quick{}", i);
        local->create(name, {{"type", "tmpfs"}, {"device", "tmpfs"}});
        (void)local->mount(name, "1");
        BOOST_TEST(local->get("hangs").has_value());
        BOOST_TEST(local->list().size() == 2U);
        local->unmount(name, "1");
        local->remove(name);
    }
    BOOST_TEST(!over, "the others waited for the server that never answers");
    waiting.join();
    BOOST_TEST(!local.isMounted("hangs"));
    local->remove("hangs");
}

BOOST_AUTO_TEST_CASE(a_caller_that_goes_away_ends_the_attempt) {
    const SilentFuse silent;
    if (!silent.works()) return;
    LocalVolumes local;
    local->create("hangs", {{"type", "none"}, {"device", silent.somewhere()}, {"o", "bind"}});
    davit_call call = callOf(60000);
    call.cancelled = [](void*) { return std::int32_t{1}; };
    const CurrentCall::Scope scope(call);
    BOOST_CHECK_EXCEPTION(local->mount("hangs", "1"), Error, withCode(Code::cancelled));
}

BOOST_AUTO_TEST_SUITE_END()
