// The means of last resort: an ext4 of its own in a sparse file beside _data, mounted there while somebody uses it.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "archive/copy_tree.hpp"
#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "loop.hpp"
#include "mount_table.hpp"
#include "space.hpp"
#include "store.hpp"

namespace davit::local {
namespace fs = std::filesystem;
namespace {

constexpr const char* kImage = "image";
constexpr std::int64_t kInodesOfExt4 = 11;  // it keeps the first ones

class LoopSpace final : public Space {
  public:
    LoopSpace(Programs& programs, Mounter& mounter) : programs_(programs), mounter_(mounter) {}
    [[nodiscard]] std::string_view name() const noexcept override { return "loop"; }
    [[nodiscard]] std::string_view means() const noexcept override { return "ext4 in a file"; }
    [[nodiscard]] bool needsMount() const noexcept override { return true; }

    void make(const fs::path& place, const Limits& limits) override {
        const fs::path image = place / kImage;
        check(::mkdir((place / kData).c_str(), 0755), "create directory {}", (place / kData).string());
        check(::ftruncate(openFile(image, O_RDWR | O_CREAT | O_EXCL, 0600).get(), limits.size), "size {}", image.string());
        std::vector<std::string> arguments{"-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard"};
        if (limits.inodes > 0) arguments.insert(arguments.end(), {"-N", std::to_string(limits.inodes + kInodesOfExt4)});
        arguments.push_back(image.string());
        programs_.tool("mkfs.ext4", arguments, fmt::format("make a file system of {} bytes", limits.size));
        check(::fsync(openFile(image, O_RDWR).get()), "sync {}", image.string());
    }

    void makeCopy(const fs::path& from, const fs::path& place, const Limits& limits) override {
        make(place, limits);
        bring(place);
        const Defer end([&] { mounter_.unmount(place / kData); });
        archive::copyTree(openFile(from, O_RDONLY | O_DIRECTORY).get(), openFile(place / kData, O_RDONLY | O_DIRECTORY).get());
    }

    void limit(const fs::path& place, const Limits& limits) override {
        struct stat info {};
        check(::stat((place / kImage).c_str(), &info), "stat {}", (place / kImage).string());
        if (limits.size == info.st_size) return;
        if (limits.size == 0) throw error(Code::invalid, "limit {}: a file system in a file has a size", place.string());
        if (const auto device = findLoop(place / kImage))
            growInUse(place, *device, info.st_size, limits.size);
        else
            rebuild(place, info.st_size, limits.size);
    }

    [[nodiscard]] std::optional<VolumeUsage> usage(const fs::path& place) override {
        if (mountAt(place / kData)) return countersOf(place / kData);
        // What the file occupies, with the file system's own tables: it needn't be mounted for that.
        struct stat info {};
        check(::stat((place / kImage).c_str(), &info), "stat {}", (place / kImage).string());
        return VolumeUsage{.size = info.st_blocks * 512, .inodes = -1};
    }

    void bring(const fs::path& place) override {
        const LoopDevice device = attachLoop(place / kImage);
        mounter_.mount({.source = device.path, .target = place / kData, .type = "ext4", .words = {}});
        // Docker fills a volume with the image's files when it is empty, and so it shall be. No fsck is ever without it: it makes one.
        (void)::rmdir((place / kData / "lost+found").c_str());
    }

  private:
    // The kernel asks for CAP_SYS_RESOURCE.
    void growInUse(const fs::path& place, const LoopDevice& device, std::int64_t before, std::int64_t size) {
        if (size < before) throw error(Code::conflict, "limit {}: it is in use, so that it can only grow", place.string());
        const std::string image = (place / kImage).string();
        Defer back([&] {
            check(::truncate(image.c_str(), before), "size {}", image);
            refreshSize(device);
        });
        check(::truncate(image.c_str(), size), "size {}", image);
        refreshSize(device);
        programs_.tool("resize2fs", {device.path}, fmt::format("let {} grow while it is in use", place.string()));
        back.dismiss();
    }

    // With a copy, which takes the image's place when it is whole: a kill in the middle of resize2fs would cost the volume.
    void rebuild(const fs::path& place, std::int64_t before, std::int64_t size) {
        const fs::path work = place / "resizing.tmp";
        removeTree(work);
        const Defer clear([&] { removeTree(work); });
        makeDirectories(work, 0700);
        archive::copyEntry(openFile(place, O_RDONLY | O_DIRECTORY).get(), kImage, openFile(work, O_RDONLY | O_DIRECTORY).get());
        const std::string image = (work / kImage).string();
        const std::string doing = fmt::format("size {}", place.string());
        if (size > before) check(::truncate(image.c_str(), size), "size {}", image);
        programs_.tool("e2fsck", {"-f", "-p", image}, doing, 1);  // 1: it has mended something, such as a journal to replay
        programs_.tool("resize2fs", {image, fmt::format("{}K", size / 1024)}, doing);
        check(::truncate(image.c_str(), size), "size {}", image);
        check(::fsync(openFile(image, O_RDWR).get()), "sync {}", image);
        check(::rename(image.c_str(), (place / kImage).c_str()), "put {} in place", image);
        check(::fsync(openFile(place, O_RDONLY | O_DIRECTORY).get()), "sync {}", place.string());
    }

    static VolumeUsage countersOf(const fs::path& mounted) {
        struct statfs counters {};
        check(::statfs(mounted.c_str(), &counters), "read the counters of {}", mounted.string());
        return {.size = static_cast<std::int64_t>((counters.f_blocks - counters.f_bfree) * static_cast<std::uint64_t>(counters.f_bsize)),
                .inodes = std::max<std::int64_t>(0, static_cast<std::int64_t>(counters.f_files - counters.f_ffree) - kInodesOfExt4 + 1)};
    }

    Programs& programs_;
    Mounter& mounter_;
};

}  // namespace

std::unique_ptr<Space> loopSpace(Programs& programs, Mounter& mounter) { return std::make_unique<LoopSpace>(programs, mounter); }

}  // namespace davit::local
