// The means by which volumes are bounded, each on a file system that has it.
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <thread>

#include "archive/project_quota.hpp"
#include "base/remove_tree.hpp"
#include "local_fixtures.hpp"

using namespace davit;
using namespace davit::local;
namespace fs = std::filesystem;

namespace {

// As a container's process: root's own rights go beyond ext4's quotas.
template <typename Work>
void withoutResourceRights(const Work& work) {
    std::thread([&] {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct data[2] = {};
        check(::syscall(SYS_capget, &header, data), "read capabilities");
        data[0].effective &= ~(1U << CAP_SYS_RESOURCE);
        check(::syscall(SYS_capset, &header, data), "drop a capability");
        work();
    }).join();
}

// Megabytes that fit.
int fill(const fs::path& file, int most) {
    int written = 0;
    withoutResourceRights([&] {
        const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        const std::string megabyte(1 << 20, 'x');
        while (fd && written < most && ::write(fd.get(), megabyte.data(), megabyte.size()) == 1 << 20 && ::fsync(fd.get()) == 0) ++written;
    });
    return written;
}

int makeFiles(const fs::path& directory, int most) {
    int made = 0;
    withoutResourceRights([&] {
        while (made < most && UniqueFd(::open((directory / std::to_string(made)).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644))) ++made;
    });
    return made;
}

void boundsBytes(LocalVolumes& local, const std::string& means) {
    local->create("vol", {{"size", "20m"}});
    BOOST_TEST(local.status("vol") == R"({"Size":20971520,"LimitedBy":")" + means + "\"}");
    const fs::path path = local->mount("vol", "1");
    const int fits = fill(path / "big", 40);
    BOOST_TEST(fits >= 14);
    BOOST_TEST(fits <= 20);
    const VolumeUsage usage = local->usage("vol");
    BOOST_TEST(usage.size >= fits * (1LL << 20));
    BOOST_TEST(usage.size <= 21LL << 20);
    fs::remove(path / "big");
    writeFileAtomically(path / "kept", "x");
    local->unmount("vol", "1");
    local->resize("vol", 60 << 20);
    local.restart();
    BOOST_TEST(local.status("vol").starts_with(R"({"Size":62914560)"));
    const fs::path again = local->mount("vol", "2");
    BOOST_TEST(fs::exists(again / "kept"));
    BOOST_TEST(fill(again / "big", 30) == 30);
    fs::remove(again / "big");
    local->unmount("vol", "2");
    local->clone({.source = "vol", .snapshot = {}, .name = "copy"});
    const fs::path copy = local->mount("copy", "1");
    BOOST_TEST(fs::exists(copy / "kept"));
    BOOST_TEST(fill(copy / "big", 90) < 62);
    local->unmount("copy", "1");
    local->remove("vol");
    local->remove("copy");
    BOOST_TEST(becomesEmpty(local.root() / ".trash"));
}

void boundsInodes(LocalVolumes& local, const std::string& name, const Options& options) {
    local->create(name, options);
    const fs::path path = local->mount(name, "1");
    const int made = makeFiles(path, 4000);
    BOOST_TEST(made >= 100);
    BOOST_TEST(made < 400);
    BOOST_TEST(local->usage(name).inodes == made);
    local->unmount(name, "1");
    local->remove(name);
}

struct OnProjects {
    explicit OnProjects(const std::string& type)
        : disk(type, type == "xfs" ? std::vector<std::string>{"-q", "-f"} : std::vector<std::string>{"-q", "-F", "-O", "quota,project", "-E", "quotatype=prjquota"},
               "prjquota", 400LL << 20) {
        if (!disk.works()) BOOST_TEST_MESSAGE("skipped: this kernel has no project quotas of " << type);
    }
    LoopFileSystem disk;
};

void projectsCount(const std::string& type) {
    const OnProjects on(type);
    if (!on.disk.works()) return;
    LocalVolumes local(on.disk.mounted());
    boundsBytes(local, "project quota");
    boundsInodes(local, "few", {{"inodes", "100"}});
    // Those without a limit are counted, too, and not walked.
    local->create("free", {});
    BOOST_TEST(local->usage("free").inodes == 0);
    BOOST_TEST(fill(local.data("free") / "f", 8) == 8);
    BOOST_TEST(makeFiles(local.data("free"), 10) == 10);
    BOOST_TEST(local->usage("free").inodes == 11);
    BOOST_TEST(local->usage("free").size >= 8 << 20);
    local->resize("free", 10 << 20);
    BOOST_TEST(fill(local.data("free") / "g", 20) <= 2);
    local->resize("free", 0);
    BOOST_TEST(fill(local.data("free") / "g", 20) == 20);
    local->create("next", {{"size", "50m"}});
    BOOST_TEST(local->usage("next").size < 1 << 20, "two volumes share a project");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(local_limits)

BOOST_AUTO_TEST_CASE(projects_of_xfs) { projectsCount("xfs"); }
BOOST_AUTO_TEST_CASE(projects_of_ext4) { projectsCount("ext4"); }

BOOST_AUTO_TEST_CASE(quota_groups_of_btrfs) {
    const LoopFileSystem disk("btrfs", {"-q"}, "", 400LL << 20);
    if (!disk.works()) {
        BOOST_TEST_MESSAGE("skipped: no btrfs here");
        return;
    }
    LocalVolumes local(disk.mounted());
    local->create("before", {});
    (void)fill(local.data("before") / "f", 3);
    BOOST_TEST(local->usage("before").size >= 3 << 20);
    boundsBytes(local, "btrfs quota group");
    BOOST_TEST(local->usage("before").size >= 3 << 20);
    boundsInodes(local, "few", {{"inodes", "100"}, {"size", "10m"}});
    BOOST_CHECK_EXCEPTION(local->create("none", {{"inodes", "100"}}), Error, withText("has no quotas of inodes"));
    local->snapshot("before", "s", {});
    local->remove("before");
    BOOST_TEST(becomesEmpty(local.root() / ".trash"));
}

BOOST_AUTO_TEST_CASE(a_file_where_nothing_else_bounds) {
    LocalVolumes local;
    if (archive::ProjectQuota::enforcedAt(local.root())) return;  // of this disk: then there is no need for files
    boundsBytes(local, "ext4 in a file");
    boundsInodes(local, "few", {{"inodes", "100"}, {"size", "10m"}});
    BOOST_CHECK_EXCEPTION(local->create("none", {{"inodes", "100"}}), Error, withText("has no quotas of inodes"));
    BOOST_CHECK_EXCEPTION(local->create("none", {{"size", "1k"}}), Error, withText("mkfs.ext4 ended with"));
    BOOST_TEST(local->list().empty());
    local->create("plain", {});
    BOOST_CHECK_EXCEPTION(local->resize("plain", 1 << 20), Error, withText("made without a limit"));
}

BOOST_AUTO_TEST_CASE(a_file_of_a_volume_is_one_device_wherever_it_is_mounted) {
    LocalVolumes local;
    if (archive::ProjectQuota::enforcedAt(local.root())) return;
    local->create("vol", {{"size", "10m"}});
    writeFileAtomically(fs::path(local->mount("vol", "1")) / "f", "x");
    BOOST_TEST(loopsOf(local.root()) == 1);
    const TempDir elsewhere;
    check(::mount(local.data("vol").c_str(), elsewhere.path().c_str(), nullptr, MS_BIND, nullptr), "bind");
    local->unmount("vol", "1");
    BOOST_TEST(!local.isMounted("vol"));
    (void)local->mount("vol", "2");
    BOOST_TEST(loopsOf(local.root()) == 1, "one file system is mounted from two devices");
    writeFileAtomically(local.data("vol") / "g", "x");
    BOOST_TEST(fs::exists(elsewhere.path() / "g"));
    BOOST_CHECK_EXCEPTION(local->resize("vol", 5 << 20), Error, withCode(Code::conflict));
    local->unmount("vol", "2");
    check(::umount2(elsewhere.path().c_str(), 0), "unmount");
    BOOST_TEST(eventually([&] { return loopsOf(local.root()) == 0; }));
    local->resize("vol", 5 << 20);
    BOOST_TEST(fs::exists(fs::path(local->mount("vol", "3")) / "f"));
    local->unmount("vol", "3");
    BOOST_TEST(fs::file_size(local.root() / "vol/image") == 5U << 20);
}

BOOST_AUTO_TEST_CASE(tmpfs_takes_size_and_inodes) {
    LocalVolumes local;
    local->create("mem", {{"type", "tmpfs"}, {"device", "tmpfs"}, {"size", "4m"}, {"inodes", "20"}});
    BOOST_TEST(local.status("mem") == R"({"Size":4194304,"Inodes":20,"LimitedBy":"tmpfs"})");
    const fs::path path = local->mount("mem", "1");
    BOOST_TEST(fill(path / "f", 10) == 4);
    BOOST_TEST(local->usage("mem").size == 4 << 20);
    BOOST_TEST(makeFiles(path, 100) < 20);
    local->resize("mem", 8 << 20);
    BOOST_TEST(fill(path / "f", 10) == 8);
    local->unmount("mem", "1");
    BOOST_TEST(fill(fs::path(local->mount("mem", "1")) / "f", 10) == 8);
    local->unmount("mem", "1");
}

BOOST_AUTO_TEST_SUITE_END()
