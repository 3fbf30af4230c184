#include "loop_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/copy_tree.hpp"
#include "base/check.hpp"
#include "base/file.hpp"
#include "mounter.hpp"

namespace davit::local {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kSmallest = std::int64_t{1} << 20;
constexpr std::int64_t kWithJournal = std::int64_t{16} << 20;  // a journal would be most of a smaller one
constexpr std::chrono::minutes kToolLimit{10};

fs::path findTool(const char* name) {
    for (const char* directory : {"/usr/sbin", "/sbin", "/usr/bin", "/bin"})
        if (::access((fs::path(directory) / name).c_str(), X_OK) == 0) return fs::path(directory) / name;
    throw error(Code::unimplemented, "size and inodes need a file system with quotas (btrfs, or ext4 and xfs mounted with prjquota), or {} "
                "(e2fsprogs), which isn't installed", name);
}

void runTool(const char* name, std::vector<std::string> args) {
    const fs::path program = findTool(name);
    args.insert(args.begin(), name);
    const std::string failure = runWithin(program, std::move(args), kToolLimit, name);
    if (!failure.empty()) throw error(Code::system, "{}: {}", name, failure);
}

void setSize(const fs::path& image, std::int64_t bytes) {
    const UniqueFd file = openFile(image, O_WRONLY | O_CREAT, 0600);
    check(::ftruncate(file.get(), bytes), "make {} {} bytes long", image.string(), bytes);
}

}  // namespace

void makeImage(const fs::path& image, const Limits& limits) {
    if (limits.bytes == 0) throw Error(Code::invalid, "inodes needs size here, because the volume is in a file of its own");
    if (limits.bytes < kSmallest) throw error(Code::invalid, "size must be at least 1 MiB here, because the volume is in a file of its own");
    (void)findTool("mkfs.ext4");
    setSize(image, limits.bytes);
    std::vector<std::string> args = {"-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard"};
    if (limits.bytes < kWithJournal) args.insert(args.end(), {"-O", "^has_journal"});
    if (limits.inodes != 0) args.insert(args.end(), {"-N", std::to_string(limits.inodes + 11)});  // ext4 has ten of its own, and lost+found
    args.push_back(image);
    runTool("mkfs.ext4", std::move(args));
}

void copyImage(const fs::path& from, const fs::path& to) {
    archive::copyEntry(openFile(from.parent_path(), O_RDONLY | O_DIRECTORY).get(), from.filename(),
                       openFile(to.parent_path(), O_RDONLY | O_DIRECTORY).get());
}

void growImage(const fs::path& image, std::int64_t bytes) {
    struct stat info {};
    check(::stat(image.c_str(), &info), "stat {}", image.string());
    if (bytes < info.st_size)
        throw error(Code::invalid, "a volume in a file of its own can't be made smaller than it is, {} bytes", static_cast<std::int64_t>(info.st_size));
    setSize(image, bytes);
    runTool("resize2fs", {"-f", image});
}

}  // namespace davit::local
